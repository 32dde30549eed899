-- 001-schema.sql: the ledger's tables.
--
-- Apply with psql -f, in the order of the numbers; applying twice changes
-- nothing. A table is never edited here once released: changes come as a
-- later number.
--
-- Money is NUMERIC(18,2), which can also be NaN, and NaN is above any number:
-- each check therefore has an upper bound that NaN does not pass. No foreign
-- keys: every row is written by the functions of 101 on, which keep the
-- references, and a key costs a fifth of the throughput.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- One row a user. version counts the entries of the journal: the row is the
-- head of the chain that ledger_entry holds.
CREATE TABLE IF NOT EXISTS account (
	user_id  bigint        PRIMARY KEY CHECK (user_id > 0),
	balance  numeric(18,2) NOT NULL
	                       CHECK (balance >= 0 AND balance < 1e16),
	version  bigint        NOT NULL CHECK (version >= 1),
	state    text          NOT NULL DEFAULT 'active'
	                       CHECK (state IN ('active', 'frozen'))
) WITH (fillfactor = 70);	-- room for HOT updates of the balance

-- One row an order, written once, when the order becomes final.
-- status: 1 succeeded, 2 declined, 3 void.
-- amount is NULL only where an order was voided before it was ever sent.
-- balance_after and version: the account as this decision left it.
CREATE TABLE IF NOT EXISTS withdraw_record (
	order_id      uuid          PRIMARY KEY,
	user_id       bigint        NOT NULL,
	amount        numeric(18,2) CHECK (amount > 0 AND amount < 1e16),
	currency      text          NOT NULL,
	status        smallint      NOT NULL CHECK (status IN (1, 2, 3)),
	reason        text,
	balance_after numeric(18,2) CHECK (balance_after >= 0
	                                   AND balance_after < 1e16),
	version       bigint,
	created_at    timestamptz   NOT NULL,
	CHECK (status = 3 OR (amount IS NOT NULL AND balance_after IS NOT NULL
	                      AND version IS NOT NULL)),
	CHECK ((status = 2) = (reason IS NOT NULL))
);

-- The user's history, newest first, by keyset.
CREATE INDEX IF NOT EXISTS withdraw_record_history
	ON withdraw_record (user_id, created_at DESC, order_id DESC);

-- The journal: append-only. Entry n of an account has version n and the
-- balance after it, so that a gap, a repeat or a lost update shows.
CREATE TABLE IF NOT EXISTS ledger_entry (
	user_id       bigint        NOT NULL,
	version       bigint        NOT NULL CHECK (version >= 1),
	kind          text          NOT NULL
	              CHECK (kind IN ('open', 'credit', 'withdraw', 'return',
	                              'adjust')),
	delta         numeric(18,2) NOT NULL CHECK (delta < 1e16),
	balance_after numeric(18,2) NOT NULL CHECK (balance_after >= 0
	                                            AND balance_after < 1e16),
	order_id      uuid,
	created_at    timestamptz   NOT NULL,
	PRIMARY KEY (user_id, version),
	CHECK (kind <> 'withdraw' OR (order_id IS NOT NULL AND delta < 0))
);

-- An order is debited at most once, whatever else goes wrong.
CREATE UNIQUE INDEX IF NOT EXISTS ledger_entry_one_debit
	ON ledger_entry (order_id) WHERE kind = 'withdraw';

-- A user who names an order of somebody else must learn nothing from it: to
-- them it looks like an order that they voided themselves, for good. It is
-- true, too: the key of withdraw_record bars that order from their account.
CREATE TABLE IF NOT EXISTS withdraw_foreign_void (
	user_id    bigint      NOT NULL,
	order_id   uuid        NOT NULL,
	currency   text        NOT NULL,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (user_id, order_id)
);

COMMIT;
