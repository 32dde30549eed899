-- 003-roles.sql: who may do what.
--
--   withdraw_owner     owns tables and functions; nobody signs in as it
--   withdraw_service   withdrawd: calls the functions of a withdrawal, reads
--   withdraw_operator  withdrawctl: opens and credits accounts, reads
--
-- None but the owner can write to a table: the functions of 002 run with the
-- owner's rights. Give the two sign-in roles a password, or a line in
-- pg_hba.conf, as the site does for its others. Run by a superuser, or by a
-- role that may create roles and owns the database.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

DO $$
BEGIN
	-- roles belong to the cluster: two databases may be set up at once
	PERFORM pg_advisory_xact_lock(hashtext('withdraw roles'));
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'withdraw_owner') THEN
		CREATE ROLE withdraw_owner NOLOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'withdraw_service') THEN
		CREATE ROLE withdraw_service LOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'withdraw_operator') THEN
		CREATE ROLE withdraw_operator LOGIN;
	END IF;
	EXECUTE format('GRANT withdraw_owner TO %I', current_user);
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;
GRANT CREATE ON SCHEMA public TO withdraw_owner;
DO $$
BEGIN
	EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC',
		current_database());
END $$;

ALTER TABLE account OWNER TO withdraw_owner;
ALTER TABLE withdraw_record OWNER TO withdraw_owner;
ALTER TABLE ledger_entry OWNER TO withdraw_owner;
ALTER TABLE withdraw_foreign_void OWNER TO withdraw_owner;

ALTER FUNCTION withdraw_find(bigint, uuid) OWNER TO withdraw_owner;
ALTER FUNCTION withdraw_standing(bigint, uuid, text) OWNER TO withdraw_owner;
ALTER FUNCTION withdraw_execute(bigint, uuid, numeric, text, numeric, numeric)
	OWNER TO withdraw_owner;
ALTER FUNCTION withdraw_void(bigint, uuid, text) OWNER TO withdraw_owner;
ALTER FUNCTION withdraw_list(bigint, integer, bigint, uuid)
	OWNER TO withdraw_owner;
ALTER FUNCTION account_open(bigint, numeric) OWNER TO withdraw_owner;
ALTER FUNCTION account_credit(bigint, numeric) OWNER TO withdraw_owner;
ALTER FUNCTION withdraw_epoch() OWNER TO withdraw_owner;

REVOKE ALL ON account, withdraw_record, ledger_entry, withdraw_foreign_void
	FROM PUBLIC, withdraw_service, withdraw_operator;
GRANT SELECT ON account, withdraw_record, ledger_entry, withdraw_foreign_void
	TO withdraw_service, withdraw_operator;

REVOKE ALL ON FUNCTION
	withdraw_find(bigint, uuid),
	withdraw_standing(bigint, uuid, text),
	withdraw_execute(bigint, uuid, numeric, text, numeric, numeric),
	withdraw_void(bigint, uuid, text),
	withdraw_list(bigint, integer, bigint, uuid),
	account_open(bigint, numeric),
	account_credit(bigint, numeric),
	withdraw_epoch()
	FROM PUBLIC, withdraw_service, withdraw_operator;
GRANT EXECUTE ON FUNCTION
	withdraw_find(bigint, uuid),
	withdraw_execute(bigint, uuid, numeric, text, numeric, numeric),
	withdraw_void(bigint, uuid, text),
	withdraw_list(bigint, integer, bigint, uuid),
	withdraw_epoch()
	TO withdraw_service;
GRANT EXECUTE ON FUNCTION
	account_open(bigint, numeric),
	account_credit(bigint, numeric)
	TO withdraw_operator;

COMMIT;
