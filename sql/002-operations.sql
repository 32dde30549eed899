-- 002-operations.sql: what comes after the debit: payouts, limits, the chain
-- of hashes, findings and the audit.
--
-- Safe to apply twice, and beside a running service: what is there already is
-- not altered again, and no lock is asked for then. (The first time, it waits
-- for transactions that write.) Never edited once released.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- What an entry's hash is made of: SHA-256 over the hash of the entry before
-- it (nothing for the first), and then, without any separator, user_id,
-- version, created_at (microseconds since 2000-01-01 UTC), each eight bytes,
-- big end first; the order's sixteen (zeros if there is none); delta and
-- balance_after as numeric_send() gives them; kind, '|' and the note in UTF-8.
-- This can never change: every journal is built on it.
CREATE OR REPLACE FUNCTION ledger_hash(p_prev bytea, p_user bigint,
	p_version bigint, p_kind text, p_delta numeric, p_balance_after numeric,
	p_order uuid, p_at timestamptz, p_note text)
RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
AS $$
	SELECT sha256(p_prev || int8send(p_user) || int8send(p_version)
		|| timestamptz_send(p_at)
		|| uuid_send(coalesce(p_order,
			'00000000-0000-0000-0000-000000000000'))
		|| numeric_send(p_delta) || numeric_send(p_balance_after)
		|| convert_to(p_kind || '|' || coalesce(p_note, ''), 'UTF8'));
$$;

DO $$
DECLARE
	v_entry record;
	v_user  bigint;
	v_hash  bytea;
BEGIN
	IF EXISTS (SELECT FROM pg_attribute
			WHERE attrelid = 'ledger_entry'::regclass
				AND attname = 'hash') THEN
		RETURN;
	END IF;

	-- Why an account is frozen; the hash of the head of its journal.
	ALTER TABLE account
		ADD COLUMN state_reason text,
		ADD COLUMN head_hash bytea NOT NULL DEFAULT '';

	-- note: why, or the reference of what it belongs to.
	-- txid: the transaction that wrote it, for a look at what is new.
	-- prev_hash: the hash of the entry before it, so that each row can be
	-- checked alone. A hash that is empty was written by no function.
	ALTER TABLE ledger_entry
		ADD COLUMN note text,
		ADD COLUMN txid bigint NOT NULL
			DEFAULT pg_current_xact_id()::text::bigint,
		ADD COLUMN prev_hash bytea NOT NULL DEFAULT '',
		ADD COLUMN hash bytea NOT NULL DEFAULT '';

	-- resets_at: when the daily limit that declined it starts anew.
	-- payout_state: NULL of a record that succeeded means due; it moves
	-- once, to paid or to returned. The rest of a record never changes.
	ALTER TABLE withdraw_record
		ADD COLUMN resets_at timestamptz,
		ADD COLUMN payout_state text
			CHECK (payout_state IN ('paid', 'returned')),
		ADD COLUMN payout_reference text,
		ADD COLUMN payout_at timestamptz,
		ADD COLUMN payout_batch bigint,
		ADD COLUMN txid bigint NOT NULL
			DEFAULT pg_current_xact_id()::text::bigint,
		ADD CHECK (status = 1 OR (payout_state IS NULL
			AND payout_batch IS NULL)),
		ADD CHECK ((payout_state IS NULL) = (payout_at IS NULL)
			AND (payout_state IS NULL) = (payout_reference IS NULL));

	-- the journals so far
	FOR v_entry IN SELECT * FROM ledger_entry ORDER BY user_id, version LOOP
		IF v_user IS DISTINCT FROM v_entry.user_id THEN
			v_user := v_entry.user_id;
			v_hash := '';
		END IF;
		UPDATE ledger_entry e SET prev_hash = v_hash,
				hash = ledger_hash(v_hash, e.user_id, e.version,
					e.kind, e.delta, e.balance_after,
					e.order_id, e.created_at, e.note)
			WHERE e.user_id = v_user AND e.version = v_entry.version
			RETURNING e.hash INTO v_hash;
	END LOOP;
	UPDATE account a SET head_hash = e.hash FROM ledger_entry e
		WHERE e.user_id = a.user_id AND e.version = a.version;
END $$;

-- Indexes: CREATE INDEX takes its lock before IF NOT EXISTS is looked at.

-- A withdrawal is given back at most once.
DO $$ BEGIN
	IF to_regclass('ledger_entry_one_return') IS NULL THEN
		CREATE UNIQUE INDEX ledger_entry_one_return
			ON ledger_entry (order_id) WHERE kind = 'return';
	END IF;
END $$;

-- What was written since: both tables grow at their ends.
DO $$ BEGIN
	IF to_regclass('ledger_entry_txid') IS NULL THEN
		CREATE INDEX ledger_entry_txid
			ON ledger_entry USING brin (txid)
			WITH (pages_per_range = 32, autosummarize = on);
	END IF;
END $$;
DO $$ BEGIN
	IF to_regclass('withdraw_record_txid') IS NULL THEN
		CREATE INDEX withdraw_record_txid
			ON withdraw_record USING brin (txid)
			WITH (pages_per_range = 32, autosummarize = on);
	END IF;
END $$;

-- The payouts that nobody has taken on yet, and those of a batch.
DO $$ BEGIN
	IF to_regclass('withdraw_record_due') IS NULL THEN
		CREATE INDEX withdraw_record_due
			ON withdraw_record (created_at, order_id)
			WHERE status = 1 AND payout_batch IS NULL AND payout_state IS NULL;
	END IF;
END $$;
DO $$ BEGIN
	IF to_regclass('withdraw_record_batch') IS NULL THEN
		CREATE INDEX withdraw_record_batch
			ON withdraw_record (payout_batch, created_at, order_id)
			WHERE payout_batch IS NOT NULL;
	END IF;
END $$;

DO $$ BEGIN
	IF to_regclass('withdraw_record_unsettled') IS NULL THEN
		CREATE INDEX withdraw_record_unsettled ON withdraw_record (order_id)
			WHERE payout_batch IS NOT NULL AND payout_state IS NULL;
	END IF;
END $$;

-- One payment run: the orders that name it in withdraw_record, for good.
CREATE TABLE IF NOT EXISTS payout_batch (
	batch      bigint        PRIMARY KEY,
	orders     bigint        NOT NULL CHECK (orders > 0),
	total      numeric       NOT NULL,
	created_by text          NOT NULL,
	created_at timestamptz   NOT NULL
);

-- user_id 0: for all; others: of that user. NULL: as for all, or no limit.
-- What is 'Infinity' (or 0, for min_amount) lifts the limit for that user.
-- daily_*: in the calendar day of time_zone, which only row 0 has.
CREATE TABLE IF NOT EXISTS withdraw_limit (
	user_id     bigint  PRIMARY KEY CHECK (user_id >= 0),
	min_amount  numeric CHECK (min_amount >= 0 AND min_amount < 1e16),
	max_amount  numeric CHECK (max_amount >= 0
	                           AND max_amount <= 'Infinity'),
	daily_count numeric CHECK (daily_count >= 0
	                           AND daily_count <= 'Infinity'),
	daily_sum   numeric CHECK (daily_sum >= 0
	                           AND daily_sum <= 'Infinity'),
	time_zone   text,
	CHECK ((user_id = 0) = (time_zone IS NOT NULL))
);

-- Who changed what by the operator's command, when, and why. actor: the user
-- of the operating system, as the command says; role: who signed in here.
CREATE TABLE IF NOT EXISTS operator_audit (
	id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at       timestamptz NOT NULL,
	actor    text        NOT NULL,
	role     text        NOT NULL,
	command  text        NOT NULL,
	user_id  bigint,
	order_id uuid,
	detail   text,
	reason   text
);
DO $$ BEGIN
	IF to_regclass('operator_audit_user') IS NULL THEN
		CREATE INDEX operator_audit_user
			ON operator_audit (user_id) WHERE user_id IS NOT NULL;
	END IF;
END $$;
DO $$ BEGIN
	IF to_regclass('operator_audit_order') IS NULL THEN
		CREATE INDEX operator_audit_order
			ON operator_audit (order_id) WHERE order_id IS NOT NULL;
	END IF;
END $$;

-- A run of withdraw-reconcile. epoch and watermark: the snapshot that it saw
-- had every transaction before watermark, in that history of commits.
CREATE TABLE IF NOT EXISTS reconcile_run (
	id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	mode        text        NOT NULL CHECK (mode IN ('full', 'incremental')),
	actor       text        NOT NULL,
	epoch       text        NOT NULL,
	watermark   bigint      NOT NULL,
	started_at  timestamptz NOT NULL,
	finished_at timestamptz,
	entries     bigint,
	records     bigint,
	answers     bigint,	-- recorded answers in Redis; NULL: not looked at
	found       bigint,	-- new findings
	known       bigint,	-- open ones of earlier runs
	clean       boolean	-- nothing new was found
);

-- What was found, and what was done about it: repaired, frozen (the account),
-- reported (a person has to look). before and after: of what was changed.
CREATE TABLE IF NOT EXISTS reconcile_finding (
	id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run         bigint      NOT NULL,
	found_at    timestamptz NOT NULL,
	kind        text        NOT NULL,
	user_id     bigint,
	order_id    uuid,
	what        text        NOT NULL,
	before      text,
	after       text,
	action      text        NOT NULL
	            CHECK (action IN ('repaired', 'frozen', 'reported')),
	resolved_at timestamptz,	-- a later run did not find it any more
	seen_run    bigint	-- the last run that found it again
);
ALTER TABLE reconcile_finding ADD COLUMN IF NOT EXISTS seen_run bigint;
DO $$ BEGIN
	IF to_regclass('reconcile_finding_open') IS NULL THEN
		CREATE INDEX reconcile_finding_open
			ON reconcile_finding (user_id, kind) WHERE resolved_at IS NULL;
	END IF;
END $$;
DO $$ BEGIN
	IF to_regclass('reconcile_finding_order') IS NULL THEN
		CREATE INDEX reconcile_finding_order
			ON reconcile_finding (order_id) WHERE order_id IS NOT NULL;
	END IF;
END $$;

COMMIT;
