-- 102-account.sql: what an operator does with accounts and limits.
--
-- Each change names who makes it (p_actor; without it, the role that signed
-- in) and why, and is written into operator_audit in the same transaction.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- as they were before changes had an actor
DROP FUNCTION IF EXISTS account_open(bigint, numeric);
DROP FUNCTION IF EXISTS account_credit(bigint, numeric);

-- as it was before it returned what stands
DO $$
BEGIN
	IF EXISTS (SELECT FROM pg_proc WHERE proname = 'limit_set'
			AND pronamespace = 'public'::regnamespace
			AND prorettype = 'void'::regtype) THEN
		DROP FUNCTION limit_set(bigint, numeric, numeric, numeric,
			numeric, text, text, text);
	END IF;
END $$;

-- A line of the audit. For the functions here.
CREATE OR REPLACE FUNCTION operator_note(p_actor text, p_command text,
	p_user bigint, p_order uuid, p_detail text, p_reason text)
RETURNS void LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
	IF p_reason ~ '[[:cntrl:]]' THEN	-- a line of the audit is one line
		RAISE EXCEPTION 'a reason is one line, without control characters'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO operator_audit (at, actor, role, command, user_id, order_id,
			detail, reason)
		VALUES (clock_timestamp(), coalesce(p_actor, session_user),
			session_user, p_command, p_user, p_order, p_detail, p_reason);
END $$;

-- Appends an entry to the journal of p_user and moves its head: the one way
-- to do so but withdraw_batch(). No row: there is no such account.
CREATE OR REPLACE FUNCTION ledger_append(p_user bigint, p_kind text,
	p_delta numeric, p_order uuid, p_note text)
RETURNS TABLE (balance numeric, version bigint)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	v_account account;
	v_now     timestamptz;
	v_hash    bytea;
BEGIN
	SELECT * INTO v_account FROM account a WHERE a.user_id = p_user
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	p_delta := p_delta::numeric(18,2);
	v_account.balance := v_account.balance + p_delta;
	v_account.version := v_account.version + 1;
	v_now := clock_timestamp();
	v_hash := ledger_hash(v_account.head_hash, p_user, v_account.version,
		p_kind, p_delta, v_account.balance, p_order, v_now, p_note);
	UPDATE account a SET balance = v_account.balance,
			version = v_account.version, head_hash = v_hash
		WHERE a.user_id = p_user;
	INSERT INTO ledger_entry (user_id, version, kind, delta, balance_after,
			order_id, created_at, note, prev_hash, hash)
		VALUES (p_user, v_account.version, p_kind, p_delta,
			v_account.balance, p_order, v_now, p_note,
			v_account.head_hash, v_hash);
	RETURN QUERY SELECT v_account.balance::numeric, v_account.version;
END $$;

-- Open an account with its first entry. An existing account is an error.
CREATE OR REPLACE FUNCTION account_open(p_user bigint, p_amount numeric,
	p_actor text DEFAULT NULL, p_reason text DEFAULT NULL)
RETURNS TABLE (balance numeric, version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_now  timestamptz := clock_timestamp();
	v_hash bytea;
BEGIN
	IF (p_amount >= 0 AND p_amount < 1e16	-- NaN is not
			AND p_amount = round(p_amount, 2)) IS NOT TRUE THEN
		RAISE EXCEPTION 'an account opens with an amount of at least 0.00, in whole cents, not %', p_amount
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	p_amount := p_amount::numeric(18,2);
	v_hash := ledger_hash('', p_user, 1, 'open', p_amount, p_amount, NULL,
		v_now, NULL);
	INSERT INTO account (user_id, balance, version, head_hash)
		VALUES (p_user, p_amount, 1, v_hash);
	INSERT INTO ledger_entry (user_id, version, kind, delta, balance_after,
			created_at, hash)
		VALUES (p_user, 1, 'open', p_amount, p_amount, v_now, v_hash);
	PERFORM operator_note(p_actor, 'account open', p_user, NULL,
		p_amount::text, p_reason);
	RETURN QUERY SELECT p_amount, 1::bigint;
END $$;

-- Put money into an account. No row: there is no such account.
CREATE OR REPLACE FUNCTION account_credit(p_user bigint, p_amount numeric,
	p_actor text DEFAULT NULL, p_reason text DEFAULT NULL)
RETURNS TABLE (balance numeric, version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	IF (p_amount > 0 AND p_amount < 1e16
			AND p_amount = round(p_amount, 2)) IS NOT TRUE THEN
		RAISE EXCEPTION 'a credit is an amount above 0.00, in whole cents, not %', p_amount
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN QUERY SELECT e.*
		FROM ledger_append(p_user, 'credit', p_amount, NULL, NULL) e;
	IF FOUND THEN
		PERFORM operator_note(p_actor, 'account credit', p_user, NULL,
			p_amount::numeric(18,2)::text, p_reason);
	END IF;
END $$;

-- Correct a balance by p_delta, up or down, never below zero; the reason is
-- kept in the journal. No row: there is no such account.
CREATE OR REPLACE FUNCTION account_adjust(p_user bigint, p_delta numeric,
	p_actor text, p_reason text)
RETURNS TABLE (balance numeric, version bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_balance numeric;
BEGIN
	IF (p_delta <> 0 AND abs(p_delta) < 1e16
			AND p_delta = round(p_delta, 2)) IS NOT TRUE THEN
		RAISE EXCEPTION 'an adjustment is an amount other than 0.00, in whole cents, not %', p_delta
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF coalesce(p_reason, '') = '' THEN
		RAISE EXCEPTION 'an adjustment needs a reason'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT a.balance INTO v_balance FROM account a
		WHERE a.user_id = p_user FOR NO KEY UPDATE;
	IF v_balance + p_delta < 0 THEN
		RAISE EXCEPTION 'the balance is %, and cannot go below zero', v_balance
			USING ERRCODE = 'check_violation';
	END IF;
	RETURN QUERY SELECT e.*
		FROM ledger_append(p_user, 'adjust', p_delta, NULL, p_reason) e;
	IF FOUND THEN
		PERFORM operator_note(p_actor, 'account adjust', p_user, NULL,
			p_delta::numeric(18,2)::text, p_reason);
	END IF;
END $$;

-- Freeze an account (p_state 'frozen') or let it go on ('active'). changed is
-- false if it was in that state already: nothing is written then, and the
-- reason that stands is returned. No row: there is no such account.
CREATE OR REPLACE FUNCTION account_set_state(p_user bigint, p_state text,
	p_actor text, p_reason text)
RETURNS TABLE (changed boolean, state text, state_reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_account account;
BEGIN
	IF coalesce(p_reason, '') = '' THEN
		RAISE EXCEPTION 'freezing and unfreezing need a reason'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO v_account FROM account a WHERE a.user_id = p_user
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	IF v_account.state = p_state THEN
		RETURN QUERY SELECT false, v_account.state, v_account.state_reason;
		RETURN;
	END IF;
	UPDATE account a SET state = p_state, state_reason =
			CASE WHEN p_state = 'frozen' THEN p_reason END
		WHERE a.user_id = p_user
		RETURNING a.state, a.state_reason
			INTO v_account.state, v_account.state_reason;
	PERFORM operator_note(p_actor, CASE p_state
		WHEN 'frozen' THEN 'account freeze' ELSE 'account unfreeze' END,
		p_user, NULL, v_account.state, p_reason);
	RETURN QUERY SELECT true, v_account.state, v_account.state_reason;
END $$;

-- Set the limits of p_user, or of all (0). NaN keeps what stands; NULL is no
-- limit for all, and "as for all" for a user, whom 'Infinity' frees of it. The
-- time zone is that of all; NULL keeps it. Returns what stands now.
CREATE OR REPLACE FUNCTION limit_set(p_user bigint, p_min numeric,
	p_max numeric, p_daily_count numeric, p_daily_sum numeric,
	p_time_zone text, p_actor text, p_reason text)
RETURNS withdraw_limit
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_limit withdraw_limit;
	v_min   numeric;	-- as they hold
	v_max   numeric;
BEGIN
	IF p_user <> 0 AND p_time_zone IS NOT NULL THEN
		RAISE EXCEPTION 'the time zone is one for all: set it for all'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	-- UTC+8 would be taken, for eight hours west
	IF p_time_zone IS NOT NULL AND NOT EXISTS (SELECT
			FROM pg_timezone_names z WHERE z.name = p_time_zone) THEN
		RAISE EXCEPTION 'there is no time zone %: it must have a name such as Asia/Shanghai', p_time_zone
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF p_user <> 0 AND NOT EXISTS (SELECT FROM account a
			WHERE a.user_id = p_user) THEN
		RAISE EXCEPTION 'there is no account %', p_user
			USING ERRCODE = 'no_data_found';
	END IF;
	INSERT INTO withdraw_limit AS l (user_id, min_amount, max_amount,
			daily_count, daily_sum, time_zone)
		VALUES (p_user, nullif(p_min, 'NaN'), nullif(p_max, 'NaN'),
			nullif(p_daily_count, 'NaN'), nullif(p_daily_sum, 'NaN'),
			CASE WHEN p_user = 0 THEN coalesce(p_time_zone, 'UTC') END)
		ON CONFLICT (user_id) DO UPDATE SET
			min_amount = CASE WHEN p_min = 'NaN'
				THEN l.min_amount ELSE p_min END,
			max_amount = CASE WHEN p_max = 'NaN'
				THEN l.max_amount ELSE p_max END,
			daily_count = CASE WHEN p_daily_count = 'NaN'
				THEN l.daily_count ELSE p_daily_count END,
			daily_sum = CASE WHEN p_daily_sum = 'NaN'
				THEN l.daily_sum ELSE p_daily_sum END,
			time_zone = coalesce(p_time_zone, l.time_zone)
		RETURNING l.* INTO v_limit;
	SELECT coalesce(v_limit.min_amount, g.min_amount),
			coalesce(v_limit.max_amount, g.max_amount)
		INTO v_min, v_max
		FROM (SELECT 1) one LEFT JOIN withdraw_limit g ON g.user_id = 0;
	IF v_min > v_max THEN
		RAISE EXCEPTION 'the minimum of % is above the maximum of %', v_min, v_max
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM operator_note(p_actor, 'limits set', nullif(p_user, 0), NULL,
		format('min %s, max %s, daily count %s, daily sum %s%s',
			coalesce(v_limit.min_amount::text, '-'),
			coalesce(v_limit.max_amount::text, '-'),
			coalesce(v_limit.daily_count::text, '-'),
			coalesce(v_limit.daily_sum::text, '-'),
			', ' || v_limit.time_zone), p_reason);
	RETURN v_limit;
END $$;

-- Forget the limits of p_user, or of all (0). False: there were none.
CREATE OR REPLACE FUNCTION limit_clear(p_user bigint, p_actor text,
	p_reason text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	DELETE FROM withdraw_limit l WHERE l.user_id = p_user;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM operator_note(p_actor, 'limits clear', nullif(p_user, 0), NULL,
		NULL, p_reason);
	RETURN true;
END $$;

COMMIT;
