-- 104-reconcile.sql: is the ledger what it promises to be?
--
-- First suspicion, in one snapshot: withdraw-reconcile reads all tables once
-- (fcgi/reconcile/full.c), or asks reconcile_suspects_since() about what was
-- written since. Then, for each suspected user, reconcile_diagnose() names
-- what is wrong, exactly; reconcile_handle() does so under the lock of the
-- account, and repairs what is safe or freezes. A suspicion may be unfounded;
-- a diagnosis never is.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- --- suspicion -------------------------------------------------------------

-- Users of whom something does not fit that transactions from p_since on
-- wrote; what was intact before is believed. The last row, user_id NULL, says
-- how many entries and records were looked at. Plain SQL without SET, so that
-- it is planned as part of the query around it.
CREATE OR REPLACE FUNCTION reconcile_suspects_since(p_since bigint)
RETURNS TABLE (user_id bigint, entries bigint, records bigint)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
	WITH entry AS MATERIALIZED (
		SELECT e.* FROM ledger_entry e WHERE e.txid >= p_since),
	record AS MATERIALIZED (
		SELECT r.* FROM withdraw_record r WHERE r.txid >= p_since),
	touched AS (
		SELECT e.user_id FROM entry e
		UNION SELECT r.user_id FROM record r)
	SELECT s.user_id, NULL::bigint, NULL::bigint
	FROM (
		-- each new entry follows from the one before it
		SELECT e.user_id FROM entry e
		LEFT JOIN ledger_entry p ON p.user_id = e.user_id
			AND p.version = e.version - 1
		WHERE (e.hash = ledger_hash(e.prev_hash, e.user_id, e.version,
				e.kind, e.delta, e.balance_after, e.order_id,
				e.created_at, e.note)
			AND e.prev_hash = coalesce(p.hash, '')
			AND e.balance_after = coalesce(p.balance_after, 0) + e.delta
			AND (e.version = 1) = (p.user_id IS NULL)) IS NOT TRUE
		UNION
		-- the account is its head
		SELECT t.user_id FROM touched t
		LEFT JOIN account a ON a.user_id = t.user_id
		LEFT JOIN LATERAL (SELECT * FROM ledger_entry l
			WHERE l.user_id = t.user_id
			ORDER BY l.version DESC LIMIT 1) h ON true
		WHERE (a.version = h.version AND a.balance = h.balance_after
			AND a.head_hash = h.hash AND a.balance >= 0) IS NOT TRUE
			AND (a.user_id IS NOT NULL OR h.user_id IS NOT NULL)
		UNION
		-- each debit and each return has its record
		SELECT e.user_id FROM entry e
		LEFT JOIN withdraw_record r ON r.order_id = e.order_id
		WHERE e.kind IN ('withdraw', 'return')
			AND (r.status = 1 AND r.user_id = e.user_id
				AND CASE e.kind WHEN 'withdraw' THEN
					r.amount = -e.delta AND r.version = e.version
					AND r.balance_after = e.balance_after
				ELSE r.amount = e.delta
					AND r.payout_state = 'returned' END) IS NOT TRUE
		UNION
		-- each record has the entries that it should have, and no more
		SELECT r.user_id FROM record r
		LEFT JOIN LATERAL (SELECT count(*) AS n, max(e.version) AS version,
				min(-e.delta) AS amount, max(e.user_id) AS owner
			FROM ledger_entry e
			WHERE e.order_id = r.order_id AND e.kind = 'withdraw') d ON true
		LEFT JOIN LATERAL (SELECT count(*) AS n FROM ledger_entry e
			WHERE e.order_id = r.order_id AND e.kind = 'return') b ON true
		WHERE (CASE WHEN r.status = 1 THEN d.n = 1
					AND d.version = r.version AND d.amount = r.amount
					AND d.owner = r.user_id
					AND b.n = CASE WHEN r.payout_state = 'returned'
						THEN 1 ELSE 0 END
				ELSE r.status IN (2, 3) AND d.n = 0 AND b.n = 0 END)
			IS NOT TRUE) s
	UNION ALL
	SELECT NULL, (SELECT count(*) FROM entry), (SELECT count(*) FROM record);
$$;

-- --- diagnosis -------------------------------------------------------------

-- All that is wrong with one user, or no rows. repairable: the account's row
-- alone is wrong, and follows from its journal. expected: what the journal
-- says, where it is repairable.
CREATE OR REPLACE FUNCTION reconcile_diagnose(p_user bigint)
RETURNS TABLE (kind text, order_id uuid, what text, repairable boolean,
	before text, expected text)
LANGUAGE sql STABLE
AS $$
	WITH journal AS MATERIALIZED (
		SELECT e.*, row_number() OVER w AS n,
			lag(e.version) OVER w AS last_version,
			coalesce(lag(e.balance_after) OVER w, 0) AS last_balance,
			coalesce(lag(e.hash) OVER w, '') AS last_hash,
			ledger_hash(e.prev_hash, e.user_id, e.version, e.kind, e.delta,
				e.balance_after, e.order_id, e.created_at, e.note) AS right_hash
		FROM ledger_entry e WHERE e.user_id = p_user
		WINDOW w AS (ORDER BY e.version)),
	head AS MATERIALIZED (
		SELECT j.version, j.balance_after, j.hash,
			(SELECT sum(t.delta) FROM journal t) AS total
		FROM journal j ORDER BY j.version DESC LIMIT 1),
	acct AS (SELECT * FROM account a WHERE a.user_id = p_user),
	record AS MATERIALIZED (
		SELECT * FROM withdraw_record r WHERE r.user_id = p_user),
	-- of the user's orders, or in their journal; apart, for the indexes
	moved AS MATERIALIZED (
		SELECT e.kind, e.order_id, e.version, e.user_id, e.delta,
			e.balance_after
		FROM ledger_entry e
		WHERE e.user_id = p_user AND e.kind IN ('withdraw', 'return')
		UNION ALL
		SELECT e.kind, e.order_id, e.version, e.user_id, e.delta,
			e.balance_after
		FROM record r JOIN ledger_entry e ON e.order_id = r.order_id
			AND e.kind = 'withdraw'
		WHERE e.user_id <> p_user
		UNION ALL
		SELECT e.kind, e.order_id, e.version, e.user_id, e.delta,
			e.balance_after
		FROM record r JOIN ledger_entry e ON e.order_id = r.order_id
			AND e.kind = 'return'
		WHERE e.user_id <> p_user),
	debit AS MATERIALIZED (
		SELECT m.order_id, count(*) AS n,
			min(m.version) AS version, min(m.user_id) AS user_id,
			min(m.delta) AS delta, min(m.balance_after) AS balance_after
		FROM moved m WHERE m.kind = 'withdraw' GROUP BY m.order_id),
	giving_back AS MATERIALIZED (
		SELECT m.order_id, count(*) AS n,
			min(m.user_id) AS user_id, min(m.delta) AS delta
		FROM moved m WHERE m.kind = 'return' GROUP BY m.order_id),
	broken AS MATERIALIZED (
		-- the journal
		SELECT CASE WHEN j.version > coalesce(j.last_version, 0)
				THEN 'journal-gap' ELSE 'journal-repeat' END AS kind,
			NULL::uuid AS order_id,
			format('entry %s follows entry %s%s', min(j.version),
				(array_agg(coalesce(j.last_version, 0)
					ORDER BY j.version))[1],
				CASE WHEN count(*) > 1
					THEN format(', and %s more like it', count(*) - 1)
					ELSE '' END) AS what
		FROM journal j
		WHERE j.version <> coalesce(j.last_version, 0) + 1
		GROUP BY 1
		UNION ALL
		SELECT 'balance-chain', NULL, format(
			'entry %s has %s after it, where %s %s gives %s%s',
			(array_agg(j.version ORDER BY j.n))[1],
			(array_agg(j.balance_after ORDER BY j.n))[1],
			(array_agg(j.last_balance ORDER BY j.n))[1],
			(array_agg(to_char(j.delta, 'FMSG9999999999999990.00')
				ORDER BY j.n))[1],
			(array_agg(j.last_balance + j.delta ORDER BY j.n))[1],
			CASE WHEN count(*) > 1
				THEN format(', and %s more like it', count(*) - 1)
				ELSE '' END)
		FROM journal j
		WHERE j.balance_after <> j.last_balance + j.delta
			AND j.version = coalesce(j.last_version, 0) + 1
		HAVING count(*) > 0
		UNION ALL
		SELECT 'hash-broken', NULL, format('entry %s %s%s', min(j.version),
			(array_agg(CASE WHEN j.hash = '' THEN 'has no hash'
				WHEN j.hash <> j.right_hash
				THEN 'is not what was hashed when it was written'
				ELSE 'does not name the hash of the entry before it' END
				ORDER BY j.version))[1],
			CASE WHEN count(*) > 1
				THEN format(', and %s more like it', count(*) - 1)
				ELSE '' END)
		FROM journal j
		WHERE j.hash <> j.right_hash OR (j.prev_hash <> j.last_hash
			AND j.version = coalesce(j.last_version, 0) + 1)
		HAVING count(*) > 0
		UNION ALL
		SELECT 'head-differs', NULL, format(
			'the account has another hash than its head, entry %s', h.version)
		FROM acct a, head h
		WHERE a.version = h.version AND a.head_hash <> h.hash
		UNION ALL
		SELECT 'account-missing', NULL,
			format('there is a journal of %s entries, and no account',
				(SELECT count(*) FROM journal))
		FROM head h WHERE NOT EXISTS (SELECT FROM acct)
		UNION ALL
		SELECT 'journal-truncated', NULL, format(
			'the account is at version %s, its journal ends at %s',
			a.version, coalesce(h.version, 0))
		FROM acct a LEFT JOIN head h ON true
		WHERE a.version > coalesce(h.version, 0)
			AND a.head_hash IS DISTINCT FROM h.hash
		UNION ALL
		-- orders, from the records' side
		SELECT 'record-stuck', r.order_id,
			format('its status is %s, which is none that lasts', r.status)
		FROM record r WHERE r.status NOT IN (1, 2, 3)
		UNION ALL
		SELECT 'record-without-entry', r.order_id, format(
			'%s succeeded, and was never debited', r.amount)
		FROM record r LEFT JOIN debit d ON d.order_id = r.order_id
		WHERE r.status = 1 AND d.n IS NULL
		UNION ALL
		SELECT 'entry-repeated', r.order_id,
			format('it was debited %s times', d.n)
		FROM record r JOIN debit d ON d.order_id = r.order_id
		WHERE r.status = 1 AND d.n > 1
		UNION ALL
		SELECT 'entry-differs', d.order_id, format(
			'the record says user %s, %s, version %s, %s left; '
			'the entry says user %s, %s, version %s, %s left',
			r.user_id, r.amount, r.version, r.balance_after,
			d.user_id, -d.delta, d.version, d.balance_after)
		FROM debit d JOIN withdraw_record r ON r.order_id = d.order_id
		WHERE r.status = 1 AND d.n = 1
			AND (r.user_id, r.amount, r.version, r.balance_after)
				IS DISTINCT FROM
				(d.user_id, -d.delta, d.version, d.balance_after)
		UNION ALL
		-- and from the journal's
		SELECT 'entry-without-record', d.order_id, format(
			'entry %s debits %s for an order that has no record',
			d.version, -d.delta)
		FROM debit d WHERE NOT EXISTS (SELECT FROM withdraw_record r
			WHERE r.order_id = d.order_id)
		UNION ALL
		SELECT CASE r.status WHEN 2 THEN 'entry-of-declined'
				ELSE 'entry-of-void' END, d.order_id,
			format('entry %s debits %s for an order that did not succeed',
				d.version, -d.delta)
		FROM debit d JOIN withdraw_record r ON r.order_id = d.order_id
		WHERE r.status IN (2, 3)
		UNION ALL
		-- payouts
		SELECT CASE WHEN b.n > 1 THEN 'payout-returned-twice'
				WHEN r.payout_state = 'paid' THEN 'payout-returned-and-paid'
				ELSE 'return-unfounded' END, b.order_id,
			format('%s given back %s; its record says user %s, %s, payout %s',
				b.delta, CASE b.n WHEN 1 THEN 'once' ELSE b.n || ' times' END,
				coalesce(r.user_id::text, 'none'),
				coalesce(r.amount::text, 'nothing'),
				coalesce(r.payout_state, 'none'))
		FROM giving_back b
		LEFT JOIN withdraw_record r ON r.order_id = b.order_id
		WHERE (b.n = 1 AND r.status = 1 AND r.payout_state = 'returned'
			AND r.user_id = b.user_id AND r.amount = b.delta) IS NOT TRUE
		UNION ALL
		SELECT 'return-missing', r.order_id, format(
			'its payout of %s was returned, and is not back in the account',
			r.amount)
		FROM record r
		WHERE r.payout_state = 'returned' AND NOT EXISTS (
			SELECT FROM giving_back b WHERE b.order_id = r.order_id)),
	astray AS (	-- the account's row, beside its journal
		SELECT 'version-differs' AS kind, format(
			'the account is at version %s, the head of its journal at %s',
			a.version, h.version) AS what, true AS right,
			a.version::text AS before, h.version::text AS expected
		FROM acct a, head h
		WHERE a.version <> h.version AND (a.version < h.version
			OR a.head_hash = h.hash)
		UNION ALL
		SELECT CASE WHEN a.balance < 0 THEN 'negative-balance'
				ELSE 'balance-differs' END, format(
			'the balance is %s, the sum of the journal %s',
			a.balance, h.total), h.total >= 0,
			a.balance::text, h.total::text
		FROM acct a, head h
		WHERE a.balance <> h.total OR a.balance < 0)
	SELECT b.kind, b.order_id, b.what, false, NULL::text, NULL::text
	FROM broken b
	UNION ALL
	SELECT x.kind, NULL, x.what, x.right AND NOT EXISTS (SELECT FROM broken),
		x.before, x.expected
	FROM astray x;
$$;

-- --- what is done about it -------------------------------------------------

-- One program at a time: held by the session that it is taken in.
CREATE OR REPLACE FUNCTION reconcile_lock() RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT pg_try_advisory_lock(hashtext('withdraw reconcile'));
$$;

-- Where an incremental run may begin: the watermark of the last clean run, in
-- the present history of commits. NULL: look at everything, since there was
-- no clean full run within p_full_every.
CREATE OR REPLACE FUNCTION reconcile_since(p_full_every interval)
RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	WITH present AS MATERIALIZED (SELECT withdraw_epoch() AS epoch)
	SELECT max(r.watermark) FROM reconcile_run r, present p
	WHERE r.clean AND r.epoch = p.epoch
		AND EXISTS (SELECT FROM reconcile_run f
			WHERE f.mode = 'full' AND f.clean AND f.epoch = p.epoch
				AND f.started_at > now() - p_full_every);
$$;

-- The run begins; returns its number. p_watermark: of its snapshot.
CREATE OR REPLACE FUNCTION reconcile_begin(p_mode text, p_watermark bigint,
	p_actor text)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	INSERT INTO reconcile_run (mode, actor, epoch, watermark, started_at)
		VALUES (p_mode, coalesce(p_actor, session_user), withdraw_epoch(),
			p_watermark, clock_timestamp())
		RETURNING id;
$$;

-- Keeps a finding of that user. New: none of its kind is open for user and
-- order; what it says in detail may change while it is open. A repair is
-- always new. Returns whether it is. For the functions here.
CREATE OR REPLACE FUNCTION reconcile_keep(p_run bigint, p_kind text,
	p_user bigint, p_order uuid, p_what text, p_before text, p_after text,
	p_action text)
RETURNS boolean LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
	IF p_action <> 'repaired' THEN
		UPDATE reconcile_finding f SET what = p_what, seen_run = p_run
			WHERE f.resolved_at IS NULL AND f.kind = p_kind
				AND f.user_id = p_user
				AND f.order_id IS NOT DISTINCT FROM p_order;
		IF FOUND THEN
			RETURN false;
		END IF;
	END IF;
	INSERT INTO reconcile_finding (run, found_at, kind, user_id, order_id,
			what, before, after, action, resolved_at)
		VALUES (p_run, clock_timestamp(), p_kind, p_user, p_order, p_what,
			p_before, p_after, p_action,
			CASE WHEN p_action = 'repaired' THEN clock_timestamp() END);
	RETURN true;
END $$;

-- Looks at one user anew, with the account locked, and does what is safe: an
-- account that differs from an intact journal is set right; one whose journal
-- or orders are broken is frozen, with the first finding as the reason. Each
-- finding is kept in the same transaction. fresh is false for one that is open
-- since an earlier run: about those nothing is done again, so that a person
-- who unfreezes the account has the last word. Open findings of the user that
-- are not there any more are resolved.
CREATE OR REPLACE FUNCTION reconcile_handle(p_run bigint, p_user bigint,
	p_actor text)
RETURNS TABLE (kind text, order_id uuid, what text, before text, after text,
	action text, fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_account  account;
	v_found    jsonb;	-- what reconcile_diagnose() says
	v_finding  record;
	v_repaired boolean := false;
	v_frozen   boolean := false;
BEGIN
	IF NOT EXISTS (SELECT FROM reconcile_finding f
				WHERE f.user_id = p_user AND f.resolved_at IS NULL)
			AND NOT EXISTS (SELECT FROM reconcile_diagnose(p_user)) THEN
		RETURN;
	END IF;
	SELECT * INTO v_account FROM account a WHERE a.user_id = p_user
		FOR NO KEY UPDATE;
	SELECT coalesce(jsonb_agg(d), '[]') INTO v_found
		FROM reconcile_diagnose(p_user) d;
	UPDATE reconcile_finding f SET resolved_at = clock_timestamp()
		WHERE f.user_id = p_user AND f.resolved_at IS NULL
			AND f.kind NOT IN ('cached-answer-differs',
				'lock-outlives-lease', 'payout-overdue')
			AND NOT EXISTS (SELECT
				FROM jsonb_to_recordset(v_found) AS d(kind text, order_id uuid)
				WHERE d.kind = f.kind
					AND d.order_id IS NOT DISTINCT FROM f.order_id);
	FOR v_finding IN SELECT * FROM jsonb_to_recordset(v_found) AS d(kind text,
			order_id uuid, what text, repairable boolean, before text,
			expected text) LOOP
		kind := v_finding.kind;
		order_id := v_finding.order_id;
		what := v_finding.what;
		IF v_finding.repairable THEN
			action := 'repaired';
			before := v_finding.before;
			after := v_finding.expected;
		ELSIF v_account.user_id IS NULL THEN
			action := 'reported';
			before := NULL;
			after := NULL;
		ELSE
			action := 'frozen';
			before := v_account.state;
			after := 'frozen';
		END IF;
		fresh := reconcile_keep(p_run, kind, p_user, order_id, what, before,
			after, action);
		IF NOT fresh THEN
			after := before;
		ELSIF action = 'repaired' AND NOT v_repaired THEN
			UPDATE account a SET version = e.version, head_hash = e.hash,
					balance = (SELECT sum(t.delta) FROM ledger_entry t
						WHERE t.user_id = p_user)
				FROM ledger_entry e
				WHERE a.user_id = p_user AND e.user_id = p_user
					AND e.version = (SELECT max(t.version)
						FROM ledger_entry t WHERE t.user_id = p_user);
			v_repaired := true;
		ELSIF action = 'frozen' AND NOT v_frozen THEN
			UPDATE account a SET state = 'frozen', state_reason =
					format('reconcile: %s: %s', kind, what)
				WHERE a.user_id = p_user AND a.state <> 'frozen';
			v_frozen := true;
		END IF;
		IF fresh THEN
			PERFORM operator_note(p_actor, 'reconcile', p_user, order_id,
				action, kind || ': ' || what);
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;

-- Keeps a finding about Redis or a payout, which the caller repairs or a
-- person has to look at. Returns whether it is new.
CREATE OR REPLACE FUNCTION reconcile_report(p_run bigint, p_kind text,
	p_user bigint, p_order uuid, p_what text, p_before text, p_after text,
	p_action text, p_actor text)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
	IF NOT reconcile_keep(p_run, p_kind, p_user, p_order, p_what, p_before,
			p_after, p_action) THEN
		RETURN false;
	END IF;
	PERFORM operator_note(p_actor, 'reconcile', p_user, p_order, p_action,
		p_kind || ': ' || p_what);
	RETURN true;
END $$;

-- What became of an open finding of reconcile_report(): 'repaired', or it was
-- gone before it was ('reported').
CREATE OR REPLACE FUNCTION reconcile_settle(p_kind text, p_user bigint,
	p_order uuid, p_after text, p_action text)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	UPDATE reconcile_finding f SET action = p_action, after = p_after,
			resolved_at = clock_timestamp()
		WHERE f.resolved_at IS NULL AND f.kind = p_kind
			AND f.user_id = p_user
			AND f.order_id IS NOT DISTINCT FROM p_order;
$$;

-- All of Redis was looked at by p_run: what it did not find again is over.
CREATE OR REPLACE FUNCTION reconcile_forget(p_run bigint)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	UPDATE reconcile_finding f SET resolved_at = clock_timestamp()
		WHERE f.resolved_at IS NULL
			AND f.kind IN ('cached-answer-differs', 'lock-outlives-lease')
			AND coalesce(f.seen_run, f.run) <> p_run;
$$;

-- The users with open findings that are looked into again, one by one.
CREATE OR REPLACE FUNCTION reconcile_open_users()
RETURNS TABLE (user_id bigint) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT DISTINCT f.user_id FROM reconcile_finding f
	WHERE f.resolved_at IS NULL AND f.user_id IS NOT NULL
		AND f.kind NOT IN ('cached-answer-differs',
			'lock-outlives-lease', 'payout-overdue');
$$;

-- as it was before it gave pages
DROP FUNCTION IF EXISTS reconcile_overdue(timestamptz);

-- Orders of batches that nobody has settled since p_before: a page of p_limit,
-- from just after p_after on, by number.
CREATE OR REPLACE FUNCTION reconcile_overdue(p_before timestamptz,
	p_after uuid, p_limit integer)
RETURNS TABLE (user_id bigint, order_id uuid, batch bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	SELECT r.user_id, r.order_id, r.payout_batch
	FROM withdraw_record r
	JOIN payout_batch b ON b.batch = r.payout_batch
	WHERE r.payout_batch IS NOT NULL AND r.payout_state IS NULL
		AND r.order_id > p_after AND b.created_at < p_before
	ORDER BY r.order_id LIMIT p_limit;
$$;

-- Resolves open findings of payouts that have moved since. Returns how many.
CREATE OR REPLACE FUNCTION reconcile_resolve_payouts() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_resolved bigint;
BEGIN
	UPDATE reconcile_finding f SET resolved_at = clock_timestamp()
		FROM withdraw_record r
		WHERE f.resolved_at IS NULL AND f.kind = 'payout-overdue'
			AND r.order_id = f.order_id AND r.payout_state IS NOT NULL;
	GET DIAGNOSTICS v_resolved = ROW_COUNT;
	RETURN v_resolved;
END $$;

-- How many answers the run has looked at so far. What it read before has
-- reached a standby, where one is waited for, once this has committed.
CREATE OR REPLACE FUNCTION reconcile_count(p_run bigint, p_answers bigint)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	UPDATE reconcile_run r SET answers = p_answers WHERE r.id = p_run;
$$;

-- The run is over: what it looked at and what it found. clean: nothing new.
-- Returns how many findings of earlier runs are open. Of runs, the last hundred
-- thousand are kept.
CREATE OR REPLACE FUNCTION reconcile_end(p_run bigint, p_entries bigint,
	p_records bigint, p_answers bigint, p_found bigint)
RETURNS bigint LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
	DELETE FROM reconcile_run r WHERE r.id < p_run - 100000;
	UPDATE reconcile_run r SET finished_at = clock_timestamp(),
			entries = p_entries, records = p_records, answers = p_answers,
			found = p_found, clean = p_found = 0,
			known = (SELECT count(*) FROM reconcile_finding f
				WHERE f.resolved_at IS NULL AND f.run <> p_run)
		WHERE r.id = p_run
		RETURNING r.known;
$$;

COMMIT;
