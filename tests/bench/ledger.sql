-- ledger.sql: part of a ledger for a benchmark: the accounts :first to
-- :accounts, each :step-th of them, each with a whole journal of :length
-- entries (three or more), records and head, as the functions of the ledger
-- would have left them. The journal is written one version after the other,
-- since that is how the rows of many users lie in a ledger that has grown.
--
-- An account opens, withdraws in every entry, and gets money in the last: each
-- tenth the return of its last payout, the others a credit.

\set ON_ERROR_STOP on

-- OFFSET 0: what a level has computed is not computed again by the next.
WITH RECURSIVE journal AS (
	SELECT u.user_id, 1::bigint AS version, 'open' AS kind,
		(:length * 20)::numeric(18,2) AS delta,
		(:length * 20)::numeric(18,2) AS balance_after,
		NULL::uuid AS order_id, v.at AS created_at, ''::bytea AS prev_hash,
		ledger_hash('', u.user_id, 1, 'open', (:length * 20)::numeric(18,2),
			(:length * 20)::numeric(18,2), NULL, v.at, NULL) AS hash
	FROM generate_series(:first::bigint, :accounts, :step) AS u (user_id),
		LATERAL (SELECT timestamptz '2026-01-01 00:00Z'
			+ u.user_id * interval '1 millisecond') AS v (at)
	UNION ALL
	SELECT n.*, ledger_hash(n.prev_hash, n.user_id, n.version, n.kind,
		n.delta, n.balance_after, n.order_id, n.created_at, NULL)
	FROM (
		SELECT m.user_id, m.version, m.kind, m.delta,
			(m.balance + m.delta)::numeric(18,2) AS balance_after,
			CASE m.kind
				WHEN 'withdraw' THEN
					md5(m.user_id || '/' || m.version)::uuid
				WHEN 'return' THEN m.last_order END AS order_id,
			m.last_at + interval '1 day' AS created_at,
			m.last_hash AS prev_hash
		FROM (
			SELECT k.*, CASE k.kind
				WHEN 'withdraw' THEN
					-(1 + (k.user_id * 7 + k.version * 13) % 1000 / 100.0)
				WHEN 'return' THEN -k.last_delta
				ELSE 50 END::numeric(18,2) AS delta
			FROM (
				SELECT j.user_id, j.version + 1 AS version,
					CASE WHEN j.version + 1 < :length THEN 'withdraw'
						WHEN j.user_id % 10 = 0 THEN 'return'
						ELSE 'credit' END AS kind,
					j.balance_after AS balance, j.delta AS last_delta,
					j.order_id AS last_order, j.created_at AS last_at,
					j.hash AS last_hash
				FROM journal j WHERE j.version < :length
				OFFSET 0) k
			OFFSET 0) m
		OFFSET 0) n),
entry AS (
	INSERT INTO ledger_entry (user_id, version, kind, delta, balance_after,
			order_id, created_at, prev_hash, hash)
		SELECT * FROM journal
		RETURNING *),
record AS (
	INSERT INTO withdraw_record (order_id, user_id, amount, currency, status,
			balance_after, version, created_at, payout_state,
			payout_reference, payout_at)
		SELECT e.order_id, e.user_id, -e.delta, 'CNY', 1, e.balance_after,
			e.version, e.created_at, p.state, p.reference, p.at
		FROM entry e
		LEFT JOIN LATERAL (SELECT 'returned' AS state, 'bench' AS reference,
				e.created_at AS at
			WHERE e.version = :length - 1 AND e.user_id % 10 = 0) p ON true
		WHERE e.kind = 'withdraw')
INSERT INTO account (user_id, balance, version, head_hash)
	SELECT e.user_id, e.balance_after, e.version, e.hash
	FROM entry e WHERE e.version = :length;
