-- 101-withdrawal.sql: the functions of a withdrawal, which withdrawd calls.
--
-- Functions are replaced in place: the files from 101 on may be edited.
-- Nothing else writes to the ledger but these and those of 102 and 103.
--
-- Each function is one transaction of one statement: SELECT f(...) under
-- READ COMMITTED, where every statement inside sees what was committed when
-- it began. Whoever waits for another's row therefore sees the outcome after
-- the wait. Each may be sent any number of times for the same order.
--
-- Order of locks everywhere: the record of the order, then the account.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- What an older version returned cannot be replaced in place.
DO $$
DECLARE
	v_old regprocedure;
BEGIN
	FOR v_old IN SELECT oid FROM pg_proc
			WHERE pronamespace = 'public'::regnamespace
				AND proname IN ('withdraw_find', 'withdraw_standing',
					'withdraw_execute', 'withdraw_void',
					'withdraw_list')
				AND NOT 'resets_us' = ANY (proargnames) LOOP
		EXECUTE format('DROP FUNCTION %s', v_old);
	END LOOP;
END $$;

-- What stands for (user, order), or no row. An order of somebody else is no
-- order. Under synchronous replication the row is locked first: a commit whose
-- wait for the standby was cut short is visible here, but nobody may be told
-- of it before a standby has it, and committing a lock waits for just that.
CREATE OR REPLACE FUNCTION withdraw_find(p_user bigint, p_order uuid)
RETURNS TABLE (order_id uuid, status smallint, amount numeric, currency text,
	reason text, balance_after numeric, version bigint, created_us bigint,
	resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	IF current_setting('synchronous_standby_names') <> '' THEN
		PERFORM 1 FROM withdraw_record r
			WHERE r.order_id = p_order AND r.user_id = p_user
			FOR NO KEY UPDATE;
	END IF;
	RETURN QUERY
		SELECT r.order_id, r.status, r.amount, r.currency, r.reason,
			r.balance_after, r.version,
			(extract(epoch FROM r.created_at) * 1000000)::bigint,
			(extract(epoch FROM r.resets_at) * 1000000)::bigint
		FROM withdraw_record r
		WHERE r.order_id = p_order AND r.user_id = p_user;
	IF NOT FOUND THEN
		RETURN QUERY
			SELECT f.order_id, 3::smallint, NULL::numeric, f.currency,
				NULL::text, NULL::numeric, NULL::bigint,
				(extract(epoch FROM f.created_at) * 1000000)::bigint,
				NULL::bigint
			FROM withdraw_foreign_void f
			WHERE f.order_id = p_order AND f.user_id = p_user;
	END IF;
END $$;

-- What stands after an insert of p_order met a record that is there already.
-- If that record is another user's, the order is void for p_user for good;
-- replayed is false when that was written just now.
CREATE OR REPLACE FUNCTION withdraw_standing(p_user bigint, p_order uuid,
	p_currency text)
RETURNS TABLE (replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_new boolean;
BEGIN
	INSERT INTO withdraw_foreign_void (user_id, order_id, currency, created_at)
		SELECT p_user, r.order_id, p_currency, clock_timestamp()
		FROM withdraw_record r
		WHERE r.order_id = p_order AND r.user_id <> p_user
		ON CONFLICT DO NOTHING;
	v_new := FOUND;
	RETURN QUERY SELECT NOT v_new, f.* FROM withdraw_find(p_user, p_order) f;
	IF NOT FOUND THEN
		-- records are never deleted; should one be, nothing is claimed
		RAISE EXCEPTION 'order % met a record that is gone', p_order
			USING ERRCODE = 'serialization_failure';
	END IF;
END $$;

-- The account, and the limits that hold for it (NULL or Infinity: none).
CREATE OR REPLACE FUNCTION withdraw_account(p_user bigint)
RETURNS TABLE (balance numeric, version bigint, state text, head_hash bytea,
	min_amount numeric, max_amount numeric, daily_count numeric,
	daily_sum numeric, time_zone text)
LANGUAGE sql STABLE
AS $$
	SELECT a.balance, a.version, a.state, a.head_hash,
		coalesce(l.min_amount, g.min_amount),
		coalesce(l.max_amount, g.max_amount),
		coalesce(l.daily_count, g.daily_count),
		coalesce(l.daily_sum, g.daily_sum),
		coalesce(g.time_zone, 'UTC')
	FROM account a
	LEFT JOIN withdraw_limit g ON g.user_id = 0
	LEFT JOIN withdraw_limit l ON l.user_id = a.user_id
	WHERE a.user_id = p_user;
$$;

-- When a calendar day begins in a time zone: at the first of its moments, also
-- where clocks go back from 1:00 to 0:00, or on from 0:00 to 1:00.
CREATE OR REPLACE FUNCTION withdraw_midnight(p_day timestamp, p_zone text)
RETURNS timestamptz LANGUAGE sql STABLE
AS $$
	SELECT CASE
		WHEN (m.at - interval '1 hour') AT TIME ZONE p_zone >= p_day
			THEN m.at - interval '1 hour'
		ELSE m.at
	END
	FROM (SELECT p_day AT TIME ZONE p_zone AS at) m;
$$;

-- One withdrawal, decided once. Returns the record that stands; replayed says
-- that it was there before this call. No row: the user has no account (and
-- nothing was recorded). p_min and p_max may be NULL: no such limit; those of
-- withdraw_limit hold besides.
--
-- The record is written with the values that the balance as read gives. If
-- somebody moved the account meanwhile, the version in the UPDATE does not
-- match (or the state, which a freeze changes and which is no entry): the row
-- is read again, now locked, and the decision made anew. With the row locked
-- nobody can move it again, so the second round is the last. The same fence
-- keeps the daily limits: what the day has had is read after the version.
--
-- SET withdraw.notify_due = on (for the database) has each success told to
-- LISTEN withdraw_payout. Notifying makes commits wait for each other.
CREATE OR REPLACE FUNCTION withdraw_execute(p_user bigint, p_order uuid,
	p_amount numeric, p_currency text, p_min numeric, p_max numeric)
RETURNS TABLE (replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_account record;
	v_day     timestamp;	-- of the limits' time zone
	v_count   bigint;
	v_sum     numeric;
	v_reason  text;
	v_status  smallint;
	v_after   numeric(18,2);
	v_head    bigint;
	v_hash    bytea;
	v_resets  timestamptz;
	v_now     timestamptz := clock_timestamp();
BEGIN
	-- what is rounded on its way into a column would break the chain
	IF (p_amount > 0 AND p_amount < 1e16
			AND p_amount = round(p_amount, 2)) IS NOT TRUE THEN
		RAISE EXCEPTION 'a withdrawal is an amount above 0.00, in whole cents, not %', p_amount
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	p_amount := p_amount::numeric(18,2);	-- 5 and 5.00 hash differently
	SELECT * INTO v_account FROM withdraw_account(p_user);
	IF NOT FOUND THEN
		RETURN QUERY SELECT true, f.* FROM withdraw_find(p_user, p_order) f;
		RETURN;
	END IF;

	FOR attempt IN 1..2 LOOP
		v_reason := CASE
			WHEN p_amount < greatest(p_min, v_account.min_amount)
				THEN 'below-minimum'
			WHEN p_amount > least(p_max, v_account.max_amount)
				THEN 'above-maximum'
			WHEN v_account.state <> 'active' THEN 'account-frozen'
		END;
		v_resets := NULL;
		IF v_reason IS NULL AND (v_account.daily_count < 'Infinity'
				OR v_account.daily_sum < 'Infinity') THEN
			v_day := date_trunc('day', v_now AT TIME ZONE v_account.time_zone);
			SELECT count(*), coalesce(sum(r.amount), 0)
				INTO v_count, v_sum FROM withdraw_record r
				WHERE r.user_id = p_user AND r.created_at >= withdraw_midnight(v_day,
						v_account.time_zone)
					AND r.status = 1 AND r.order_id <> p_order;
			v_reason := CASE
				WHEN v_count >= v_account.daily_count
					THEN 'daily-count-limit'
				WHEN v_sum + p_amount > v_account.daily_sum
					THEN 'daily-sum-limit'
			END;
			IF v_reason IS NOT NULL THEN
				v_resets := withdraw_midnight(v_day + interval '1 day',
					v_account.time_zone);
			END IF;
		END IF;
		IF v_reason IS NULL AND v_account.balance < p_amount THEN
			v_reason := 'insufficient-funds';
		END IF;
		IF v_reason IS NULL THEN
			v_status := 1;
			v_after := v_account.balance - p_amount;
			v_head := v_account.version + 1;
		ELSE
			v_status := 2;
			v_after := v_account.balance;
			v_head := v_account.version;
		END IF;

		IF attempt = 1 THEN
			-- waits for a twin that is under way, on the index
			INSERT INTO withdraw_record AS r (order_id, user_id, amount,
					currency, status, reason, balance_after, version,
					created_at, resets_at)
				VALUES (p_order, p_user, p_amount, p_currency, v_status,
					v_reason, v_after, v_head, v_now, v_resets)
				ON CONFLICT ON CONSTRAINT withdraw_record_pkey DO NOTHING;
			IF NOT FOUND THEN
				RETURN QUERY SELECT s.*
					FROM withdraw_standing(p_user, p_order, p_currency) s;
				RETURN;
			END IF;
		ELSE
			UPDATE withdraw_record r
				SET status = v_status, reason = v_reason,
					balance_after = v_after, version = v_head,
					resets_at = v_resets
				WHERE r.order_id = p_order;
		END IF;

		IF v_status = 1 THEN
			v_hash := ledger_hash(v_account.head_hash, p_user, v_head,
				'withdraw', -p_amount, v_after, p_order, v_now, NULL);
			UPDATE account a
				SET balance = v_after, version = v_head,
					head_hash = v_hash
				WHERE a.user_id = p_user AND a.version = v_account.version
					AND a.balance >= p_amount AND a.state = 'active';
			IF NOT FOUND THEN
				-- somebody moved first: read again, locked
				PERFORM 1 FROM account a WHERE a.user_id = p_user
					FOR UPDATE;
				SELECT * INTO STRICT v_account
					FROM withdraw_account(p_user);
				CONTINUE;
			END IF;
			INSERT INTO ledger_entry (user_id, version, kind, delta,
					balance_after, order_id, created_at, prev_hash, hash)
				VALUES (p_user, v_head, 'withdraw', -p_amount, v_after,
					p_order, v_now, v_account.head_hash, v_hash);
			IF current_setting('withdraw.notify_due', true) = 'on' THEN
				PERFORM payout_notify(p_order, p_user, 'due');
			END IF;
		END IF;

		RETURN QUERY SELECT false, p_order, v_status, p_amount, p_currency,
			v_reason, v_after::numeric, v_head,
			(extract(epoch FROM v_now) * 1000000)::bigint,
			(extract(epoch FROM v_resets) * 1000000)::bigint;
		RETURN;
	END LOOP;
	RAISE EXCEPTION 'account % moved while its row was locked', p_user
		USING ERRCODE = 'serialization_failure';
END $$;

-- Close an order for good, unless it is decided already; returns what stands.
-- An insert, never a look-up: it waits for a withdrawal that is under way.
CREATE OR REPLACE FUNCTION withdraw_void(p_user bigint, p_order uuid,
	p_currency text)
RETURNS TABLE (replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	INSERT INTO withdraw_record (order_id, user_id, currency, status,
			created_at)
		VALUES (p_order, p_user, p_currency, 3, clock_timestamp())
		ON CONFLICT ON CONSTRAINT withdraw_record_pkey DO NOTHING;
	IF FOUND THEN
		RETURN QUERY SELECT false, f.* FROM withdraw_find(p_user, p_order) f;
	ELSE
		RETURN QUERY SELECT s.*
			FROM withdraw_standing(p_user, p_order, p_currency) s;
	END IF;
END $$;

-- The record as its user sees it: what withdraw_find() gives, and how far its
-- payout is: NULL of an order that did not succeed, else due, paid, returned.
CREATE OR REPLACE FUNCTION withdraw_show(p_user bigint, p_order uuid)
RETURNS TABLE (order_id uuid, status smallint, amount numeric, currency text,
	reason text, balance_after numeric, version bigint, created_us bigint,
	resets_us bigint, payout text, payout_us bigint, payout_reference text)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT f.*,
		CASE WHEN f.status = 1 THEN coalesce(r.payout_state, 'due') END,
		(extract(epoch FROM r.payout_at) * 1000000)::bigint,
		r.payout_reference
	FROM withdraw_find(p_user, p_order) f
	LEFT JOIN withdraw_record r
		ON r.order_id = f.order_id AND r.user_id = p_user;
$$;

-- A user's orders as withdraw_show() has them, newest first, from just after
-- (p_before_us, p_before_order) on; both NULL for the first page.
CREATE OR REPLACE FUNCTION withdraw_list(p_user bigint, p_limit integer,
	p_before_us bigint, p_before_order uuid)
RETURNS TABLE (order_id uuid, status smallint, amount numeric, currency text,
	reason text, balance_after numeric, version bigint, created_us bigint,
	resets_us bigint, payout text, payout_us bigint, payout_reference text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_at timestamptz := coalesce('epoch'::timestamptz
		+ p_before_us * interval '1 microsecond', 'infinity');
	v_order uuid := coalesce(p_before_order,
		'ffffffff-ffff-ffff-ffff-ffffffffffff');
BEGIN
	IF current_setting('synchronous_standby_names') <> '' THEN
		PERFORM 1 FROM withdraw_record r	-- as in withdraw_find()
			WHERE r.user_id = p_user
				AND (r.created_at, r.order_id) < (v_at, v_order)
			ORDER BY r.created_at DESC, r.order_id DESC LIMIT p_limit
			FOR NO KEY UPDATE;
	END IF;
	RETURN QUERY
		SELECT u.order_id, u.status, u.amount, u.currency, u.reason,
			u.balance_after, u.version,
			(extract(epoch FROM u.created_at) * 1000000)::bigint,
			(extract(epoch FROM u.resets_at) * 1000000)::bigint,
			CASE WHEN u.status = 1
				THEN coalesce(u.payout_state, 'due') END,
			(extract(epoch FROM u.payout_at) * 1000000)::bigint,
			u.payout_reference
		FROM (
			(SELECT r.order_id, r.status, r.amount, r.currency, r.reason,
				r.balance_after, r.version, r.created_at, r.resets_at,
				r.payout_state, r.payout_at, r.payout_reference
			FROM withdraw_record r
			WHERE r.user_id = p_user
				AND (r.created_at, r.order_id) < (v_at, v_order)
			ORDER BY r.created_at DESC, r.order_id DESC LIMIT p_limit)
			UNION ALL
			SELECT f.order_id, 3::smallint, NULL, f.currency, NULL, NULL,
				NULL, f.created_at, NULL, NULL, NULL, NULL
			FROM withdraw_foreign_void f
			WHERE f.user_id = p_user
				AND (f.created_at, f.order_id) < (v_at, v_order)
		) u
		ORDER BY u.created_at DESC, u.order_id DESC LIMIT p_limit;
END $$;

-- Names the history that commits of this server belong to: the cluster and
-- its timeline. A cached answer of another history (a standby was promoted
-- and lost the last commits, a backup was restored) is not found any more.
CREATE OR REPLACE FUNCTION withdraw_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT to_hex((SELECT system_identifier FROM pg_control_system()))
		|| '.' || CASE WHEN pg_is_in_recovery() THEN 'recovery'
			ELSE ltrim(substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
				'0') END;
$$;

COMMIT;
