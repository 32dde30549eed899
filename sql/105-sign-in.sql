-- 105-sign-in.sql: what the service and the operator do with sign-ins.
--
-- A password never comes here, only its hash. What ends sessions raises the
-- generation; the service asks sign_in_stands() about each session now and
-- then.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- Whom the name stands for, and the hash. No row: nobody, or disabled.
CREATE OR REPLACE FUNCTION sign_in_find(p_name text)
RETURNS TABLE (user_id bigint, password text, generation bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT s.user_id, s.password, s.generation FROM sign_in s
	WHERE s.name = p_name AND NOT s.disabled;
$$;

-- Is a session of that generation still good? A row, or none.
CREATE OR REPLACE FUNCTION sign_in_stands(p_name text, p_user bigint,
	p_generation bigint)
RETURNS TABLE (stands boolean)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT true FROM sign_in s
	WHERE s.name = p_name AND s.user_id = p_user
		AND s.generation = p_generation AND NOT s.disabled;
$$;

-- Ends all sessions of the name, if its session is of p_generation: that of an
-- older one has no say. Safe to repeat.
CREATE OR REPLACE FUNCTION sign_in_leave(p_name text, p_user bigint,
	p_generation bigint)
RETURNS TABLE (left_all boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	UPDATE sign_in s SET generation = s.generation + 1
		WHERE s.name = p_name AND s.user_id = p_user
			AND s.generation = p_generation
		RETURNING true;
$$;

-- Lets somebody sign in as p_user. A name that is there is an error.
CREATE OR REPLACE FUNCTION sign_in_add(p_name text, p_user bigint,
	p_password text, p_actor text, p_reason text)
RETURNS TABLE (name text, user_id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	INSERT INTO sign_in (name, user_id, password, created_at, changed_at)
		VALUES (p_name, p_user, p_password, clock_timestamp(),
			clock_timestamp());
	PERFORM operator_note(p_actor, 'user add', p_user, NULL, p_name, p_reason);
	RETURN QUERY SELECT p_name, p_user;
END $$;

-- Another password; all sessions end. No row: there is no such name.
CREATE OR REPLACE FUNCTION sign_in_passwd(p_name text, p_password text,
	p_actor text, p_reason text)
RETURNS TABLE (name text, user_id bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_user bigint;
BEGIN
	UPDATE sign_in s SET password = p_password,
			generation = s.generation + 1, changed_at = clock_timestamp()
		WHERE s.name = p_name RETURNING s.user_id INTO v_user;
	IF FOUND THEN
		PERFORM operator_note(p_actor, 'user passwd', v_user, NULL, p_name,
			p_reason);
		RETURN QUERY SELECT p_name, v_user;
	END IF;
END $$;

-- Nobody signs in by that name any more, and all its sessions end; or it may
-- again. No row: there is no such name.
CREATE OR REPLACE FUNCTION sign_in_disable(p_name text, p_disabled boolean,
	p_actor text, p_reason text)
RETURNS TABLE (name text, user_id bigint, disabled boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_user bigint;
BEGIN
	UPDATE sign_in s SET disabled = p_disabled,
			generation = s.generation + 1, changed_at = clock_timestamp()
		WHERE s.name = p_name RETURNING s.user_id INTO v_user;
	IF FOUND THEN
		PERFORM operator_note(p_actor, CASE WHEN p_disabled
			THEN 'user disable' ELSE 'user enable' END, v_user, NULL,
			p_name, p_reason);
		RETURN QUERY SELECT p_name, v_user, p_disabled;
	END IF;
END $$;

COMMIT;
