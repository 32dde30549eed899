-- 003-sign-in.sql: who may sign in, for sites that use the sign-in of ours.
--
-- Safe to apply twice, and beside a running service. Never edited once
-- released.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- name: as it is typed, in lower case. password: a hash of crypt(3).
-- generation: sessions of an older one are over.
CREATE TABLE IF NOT EXISTS sign_in (
	name       text        PRIMARY KEY
	           CHECK (name ~ '^[a-z0-9][a-z0-9._@+-]{0,63}$'),
	user_id    bigint      NOT NULL CHECK (user_id > 0),
	password   text        NOT NULL CHECK (password ~ '^\$[0-9a-z]+\$'),
	disabled   boolean     NOT NULL DEFAULT false,
	generation bigint      NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL,
	changed_at timestamptz NOT NULL
);

COMMIT;
