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

-- The account, and the limits that hold for it (NULL or Infinity: none). A plain
-- query without settings of its own: it becomes part of what asks it.
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

-- What a user may see of the account: the balance, what one withdrawal may be
-- (in whole cents), and what the day has left. NULL: no such limit. p_min and
-- p_max as for withdraw_execute(), which decides anew: this is for a page that
-- says beforehand what can be withdrawn.
CREATE OR REPLACE FUNCTION withdraw_overview(p_user bigint, p_min numeric,
	p_max numeric)
RETURNS TABLE (balance numeric, version bigint, state text,
	min_amount numeric, max_amount numeric, daily_count numeric,
	daily_count_left numeric, daily_sum numeric, daily_sum_left numeric,
	resets_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	WITH limits AS (
		SELECT a.*,
			ceil(greatest(p_min, a.min_amount) * 100) / 100 AS min_whole,
			floor(least(p_max, a.max_amount) * 100) / 100 AS max_whole,
			CASE WHEN a.daily_count < 1e16
				THEN ceil(a.daily_count) END AS day_count,
			CASE WHEN a.daily_sum < 1e16
				THEN floor(a.daily_sum * 100) / 100 END AS day_sum,
			date_trunc('day', now() AT TIME ZONE a.time_zone) AS day
		FROM withdraw_account(p_user) a
	)
	SELECT l.balance, l.version, l.state,
		nullif(l.min_whole, 0)::numeric(18,2),
		(CASE WHEN l.max_whole < 1e16 THEN l.max_whole END)::numeric(18,2),
		l.day_count, l.day_count - least(l.day_count, had.orders),
		l.day_sum::numeric(18,2),
		(l.day_sum - least(l.day_sum, had.total))::numeric(18,2),
		CASE WHEN l.day_count IS NOT NULL OR l.day_sum IS NOT NULL THEN
			(extract(epoch FROM withdraw_midnight(
				l.day + interval '1 day', l.time_zone)) * 1000000)::bigint
		END
	FROM limits l, LATERAL (
		SELECT count(*) AS orders, coalesce(sum(r.amount), 0) AS total
		FROM withdraw_record r
		WHERE (l.day_count IS NOT NULL OR l.day_sum IS NOT NULL)
			AND r.user_id = p_user AND r.status = 1
			AND r.created_at >= withdraw_midnight(l.day, l.time_zone)
	) had;
$$;

-- Does a limit of the day bar this withdrawal? NULL if not. What the day has had
-- is as the statement sees it that asks.
CREATE OR REPLACE FUNCTION withdraw_daily(p_user bigint, p_order uuid,
	p_amount numeric, p_since timestamptz, p_count numeric, p_sum numeric)
RETURNS text LANGUAGE plpgsql STABLE
AS $$
DECLARE
	v_count bigint;
	v_sum   numeric;
BEGIN
	SELECT count(*), coalesce(sum(r.amount), 0)
		INTO v_count, v_sum FROM withdraw_record r
		WHERE r.user_id = p_user AND r.created_at >= p_since
			AND r.status = 1 AND r.order_id <> p_order;
	RETURN CASE
		WHEN v_count >= p_count THEN 'daily-count-limit'
		WHEN v_sum + p_amount > p_sum THEN 'daily-sum-limit'
	END;
END $$;

-- What a withdrawal comes to, as account and limits are at this moment; nothing
-- is written. No row: the user has no account. reason is NULL of one that
-- succeeds; balance_after and version are what its record says, read_version
-- and head_hash what they rest on. p_min and p_max may be NULL: no such limit;
-- those of withdraw_limit hold besides (NULL or Infinity: none).
--
-- It stays a plain query without settings of its own: so it becomes part of the
-- statement that asks, and costs it nothing more.
CREATE OR REPLACE FUNCTION withdraw_decision(p_user bigint, p_order uuid,
	p_amount numeric, p_min numeric, p_max numeric, p_now timestamptz)
RETURNS TABLE (status smallint, reason text, balance_after numeric,
	version bigint, resets_at timestamptz, read_version bigint,
	head_hash bytea)
LANGUAGE sql STABLE
AS $$
	SELECT CASE WHEN d.reason IS NULL THEN 1 ELSE 2 END::smallint, d.reason,
		CASE WHEN d.reason IS NULL THEN d.balance - p_amount
			ELSE d.balance END,
		CASE WHEN d.reason IS NULL THEN d.version + 1 ELSE d.version END,
		CASE WHEN d.reason IN ('daily-count-limit', 'daily-sum-limit')
			THEN withdraw_midnight(date_trunc('day', p_now
				AT TIME ZONE d.time_zone) + interval '1 day',
				d.time_zone) END,
		d.version, d.head_hash
	FROM (
		SELECT a.balance, a.version, a.head_hash, a.time_zone,
			CASE
				WHEN p_amount < greatest(p_min, a.min_amount)
					THEN 'below-minimum'
				WHEN p_amount > least(p_max, a.max_amount)
					THEN 'above-maximum'
				WHEN a.state <> 'active' THEN 'account-frozen'
				ELSE coalesce(
					-- the day is looked at only where it matters
					CASE WHEN least(a.daily_count, a.daily_sum,
							'Infinity') < 'Infinity'
						THEN withdraw_daily(p_user, p_order, p_amount,
							withdraw_midnight(date_trunc('day', p_now
								AT TIME ZONE a.time_zone),
								a.time_zone),
							a.daily_count, a.daily_sum) END,
					CASE WHEN a.balance < p_amount
						THEN 'insufficient-funds' END)
			END AS reason
		FROM withdraw_account(p_user) a
		OFFSET 0) d;	-- computed once, used five times
$$;

-- Decides anew about an order whose record this transaction has just written,
-- after somebody else moved the account: the row is read again, now locked.
-- With the row locked nobody can move it any more.
CREATE OR REPLACE FUNCTION withdraw_redecide(p_user bigint, p_order uuid,
	p_amount numeric, p_min numeric, p_max numeric, p_now timestamptz)
RETURNS TABLE (status smallint, reason text, balance_after numeric,
	version bigint, resets_at timestamptz)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	v      record;
	v_hash bytea;
BEGIN
	PERFORM 1 FROM account a WHERE a.user_id = p_user FOR UPDATE;
	SELECT * INTO STRICT v FROM withdraw_decision(p_user, p_order, p_amount,
		p_min, p_max, p_now);
	UPDATE withdraw_record r
		SET status = v.status, reason = v.reason,
			balance_after = v.balance_after, version = v.version,
			resets_at = v.resets_at
		WHERE r.order_id = p_order;
	IF v.status = 1 THEN
		v_hash := ledger_hash(v.head_hash, p_user, v.version, 'withdraw',
			-p_amount, v.balance_after, p_order, p_now, NULL);
		UPDATE account a
			SET balance = v.balance_after, version = v.version,
				head_hash = v_hash
			WHERE a.user_id = p_user AND a.version = v.read_version
				AND a.balance >= p_amount AND a.state = 'active';
		IF NOT FOUND THEN
			RAISE EXCEPTION 'account % moved while its row was locked', p_user
				USING ERRCODE = 'serialization_failure';
		END IF;
		INSERT INTO ledger_entry (user_id, version, kind, delta,
				balance_after, order_id, created_at, prev_hash, hash)
			VALUES (p_user, v.version, 'withdraw', -p_amount,
				v.balance_after, p_order, p_now, v.head_hash, v_hash);
	END IF;
	RETURN QUERY SELECT v.status, v.reason, v.balance_after, v.version,
		v.resets_at;
END $$;

-- Withdrawals, each decided once: item i is order i of user i, all of different
-- users. Returns of each the record that stands; replayed says that it was
-- there before this call. No row: the user has no account (and nothing was
-- recorded).
--
-- What is new is done by one statement, for many as for one: its start costs
-- more than it does for an item. The record is written with the values that the
-- balance as read gives. If somebody moved the account meanwhile, the version in
-- the UPDATE does not match (or the state, which a freeze changes and which is
-- no entry), and it is decided anew. The same fence keeps the daily limits:
-- what the day has had is read with the version.
--
-- SET withdraw.notify_due = on (for the database) has each success told to
-- LISTEN withdraw_payout. Notifying makes commits wait for each other.
CREATE OR REPLACE FUNCTION withdraw_batch(p_users bigint[], p_orders uuid[],
	p_amounts numeric[], p_currency text, p_min numeric, p_max numeric)
RETURNS TABLE (item integer, replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
	v_now    timestamptz := clock_timestamp();
	v_us     bigint := extract(epoch FROM v_now) * 1000000;
	v_notify boolean := current_setting('withdraw.notify_due', true) = 'on';
	v_items  integer := cardinality(p_orders);
	v_moved  boolean;
	v_done   boolean[];
BEGIN
	FOR i IN 1 .. v_items LOOP
		-- what is rounded on its way into a column would break the chain
		IF (p_amounts[i] > 0 AND p_amounts[i] < 1e16
				AND p_amounts[i] = round(p_amounts[i], 2)) IS NOT TRUE THEN
			RAISE EXCEPTION 'a withdrawal is an amount above 0.00, in whole cents, not %', p_amounts[i]
				USING ERRCODE = 'invalid_parameter_value';
		END IF;
		IF p_users[i] = ANY (p_users[1 : i - 1]) THEN
			RAISE EXCEPTION 'user % is twice in one batch', p_users[i]
				USING ERRCODE = 'invalid_parameter_value';
		END IF;
	END LOOP;

	FOR item, order_id, status, amount, reason, balance_after, version,
			resets_us, v_moved IN
		WITH asked AS (
			SELECT i.n::integer AS n, i.user_id, i.order_id, i.amount, d.*
			-- 5 and 5.00 hash differently
			FROM unnest(p_users, p_orders, p_amounts::numeric(18,2)[])
				WITH ORDINALITY AS i (user_id, order_id, amount, n)
			CROSS JOIN LATERAL withdraw_decision(i.user_id, i.order_id,
				i.amount, p_min, p_max, v_now) d
		), record AS (
			-- waits for a twin that is under way, on the index
			INSERT INTO withdraw_record AS r (order_id, user_id, amount,
					currency, status, reason, balance_after, version,
					created_at, resets_at)
				SELECT q.order_id, q.user_id, q.amount, p_currency,
					q.status, q.reason, q.balance_after, q.version,
					v_now, q.resets_at
				FROM asked q
				ON CONFLICT ON CONSTRAINT withdraw_record_pkey DO NOTHING
				RETURNING r.order_id, r.user_id
		), debit AS (
			UPDATE account a
				SET balance = q.balance_after, version = q.version,
					head_hash = ledger_hash(q.head_hash, q.user_id,
						q.version, 'withdraw', -q.amount,
						q.balance_after, q.order_id, v_now, NULL)
				FROM asked q, record r
				WHERE r.order_id = q.order_id AND r.user_id = q.user_id
					AND q.status = 1 AND a.user_id = q.user_id
					AND a.version = q.read_version
					AND a.balance >= q.amount AND a.state = 'active'
				RETURNING q.n, q.user_id, q.version, q.amount,
					q.balance_after, q.order_id,
					q.head_hash AS prev_hash, a.head_hash AS hash
		), entry AS (
			INSERT INTO ledger_entry (user_id, version, kind, delta,
					balance_after, order_id, created_at, prev_hash,
					hash)
				SELECT b.user_id, b.version, 'withdraw', -b.amount,
					b.balance_after, b.order_id, v_now, b.prev_hash,
					b.hash
				FROM debit b
		)
		SELECT q.n, q.order_id, q.status, q.amount, q.reason,
			q.balance_after, q.version,
			(extract(epoch FROM q.resets_at) * 1000000)::bigint,
			q.status = 1 AND b.n IS NULL
		FROM asked q
		JOIN record r ON r.order_id = q.order_id AND r.user_id = q.user_id
		LEFT JOIN debit b ON b.n = q.n
	LOOP
		v_done[item] := true;
		IF v_moved THEN
			SELECT d.status, d.reason, d.balance_after, d.version,
					(extract(epoch FROM d.resets_at) * 1000000)::bigint
				INTO STRICT status, reason, balance_after, version,
					resets_us
				FROM withdraw_redecide(p_users[item], order_id, amount,
					p_min, p_max, v_now) d;
		END IF;
		IF v_notify AND status = 1 THEN
			PERFORM payout_notify(order_id, p_users[item], 'due');
		END IF;
		replayed := false;
		currency := p_currency;
		created_us := v_us;
		RETURN NEXT;
	END LOOP;

	-- the others: the order has a record, or the user has no account
	FOR i IN 1 .. v_items LOOP
		CONTINUE WHEN v_done[i];
		IF EXISTS (SELECT FROM account a WHERE a.user_id = p_users[i]) THEN
			RETURN QUERY SELECT i, s.* FROM withdraw_standing(p_users[i],
				p_orders[i], p_currency) s;
		ELSE
			RETURN QUERY SELECT i, true, f.*
				FROM withdraw_find(p_users[i], p_orders[i]) f;
		END IF;
	END LOOP;
END $$;

-- One withdrawal, which waits for whoever is at work on the same order or
-- account, as long as it takes.
--
-- Here and below: the plan of the statement is made once, and has to suit tables
-- that have grown since.
CREATE OR REPLACE FUNCTION withdraw_execute(p_user bigint, p_order uuid,
	p_amount numeric, p_currency text, p_min numeric, p_max numeric)
RETURNS TABLE (replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
BEGIN
	RETURN QUERY SELECT b.replayed, b.order_id, b.status, b.amount,
			b.currency, b.reason, b.balance_after, b.version,
			b.created_us, b.resets_us
		FROM withdraw_batch(ARRAY[p_user], ARRAY[p_order],
			ARRAY[p_amount], p_currency, p_min, p_max) b;
END $$;

-- Many withdrawals in one transaction. Nobody may wait long for another's row:
-- what cannot be had at once is an error of all, and nothing was done; the
-- caller then sends each by itself.
CREATE OR REPLACE FUNCTION withdraw_execute_all(p_users bigint[],
	p_orders uuid[], p_amounts numeric[], p_currency text, p_min numeric,
	p_max numeric)
RETURNS TABLE (item integer, replayed boolean, order_id uuid, status smallint,
	amount numeric, currency text, reason text, balance_after numeric,
	version bigint, created_us bigint, resets_us bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET lock_timeout = '50ms'
AS $$
BEGIN
	RETURN QUERY SELECT * FROM withdraw_batch(p_users, p_orders, p_amounts,
		p_currency, p_min, p_max);
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
