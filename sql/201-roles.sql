-- 201-roles.sql: who may do what.
--
--   withdraw_owner     owns tables and functions; nobody signs in as it
--   withdraw_service   withdrawd: calls the functions of a withdrawal, reads
--   withdraw_operator  withdrawctl: accounts, payouts, limits; reads
--   withdraw_reconcile withdraw-reconcile: compares, repairs, freezes; reads
--
-- None but the owner can write to a table: the functions of 101 to 105 run with the
-- owner's rights. Give the three sign-in roles a password, or a line in
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
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'withdraw_reconcile') THEN
		CREATE ROLE withdraw_reconcile LOGIN;
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
	-- Large objects are tables by another name, which everybody may fill.
	-- They belong to the superuser; where there is none, they stay.
	IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
		REVOKE EXECUTE ON FUNCTION pg_catalog.lo_creat(integer),
			pg_catalog.lo_create(oid),
			pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;
	END IF;
END $$;

-- All that is ours belongs to the owner, and to begin with nobody else may
-- do anything with it: what is granted is what stands below.
DO $$
DECLARE
	v_name text;
BEGIN
	FOREACH v_name IN ARRAY ARRAY['account', 'withdraw_record',
			'ledger_entry', 'withdraw_foreign_void', 'withdraw_limit',
			'payout_batch', 'operator_audit', 'reconcile_run',
			'reconcile_finding', 'sign_in'] LOOP
		-- it takes a lock even where it changes nothing
		IF EXISTS (SELECT FROM pg_class WHERE oid = v_name::regclass
				AND relowner <> 'withdraw_owner'::regrole) THEN
			EXECUTE format('ALTER TABLE %I OWNER TO withdraw_owner', v_name);
		END IF;
		EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, withdraw_service, withdraw_operator, withdraw_reconcile', v_name);
	END LOOP;
	FOR v_name IN SELECT oid::regprocedure FROM pg_proc
			WHERE pronamespace = 'public'::regnamespace
				AND proname ~ '^(withdraw|account|ledger|limit|payout|operator|reconcile|sign_in)_'
			LOOP
		EXECUTE format('ALTER FUNCTION %s OWNER TO withdraw_owner', v_name);
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, withdraw_service, withdraw_operator, withdraw_reconcile', v_name);
	END LOOP;
END $$;

GRANT SELECT ON account, withdraw_record, ledger_entry, withdraw_foreign_void,
	withdraw_limit
	TO withdraw_service, withdraw_operator, withdraw_reconcile;
GRANT SELECT ON payout_batch, operator_audit, reconcile_run,
	reconcile_finding
	TO withdraw_operator, withdraw_reconcile;

-- not the hashes
GRANT SELECT (name, user_id, disabled, created_at, changed_at) ON sign_in
	TO withdraw_operator;

GRANT EXECUTE ON FUNCTION
	sign_in_find(text),
	sign_in_stands(text, bigint, bigint),
	sign_in_leave(text, bigint, bigint),
	withdraw_find(bigint, uuid),
	withdraw_show(bigint, uuid),
	withdraw_execute(bigint, uuid, numeric, text, numeric, numeric),
	withdraw_execute_all(bigint[], uuid[], numeric[], text, numeric,
		numeric),
	withdraw_void(bigint, uuid, text),
	withdraw_list(bigint, integer, bigint, uuid),
	withdraw_overview(bigint, numeric, numeric)
	TO withdraw_service;
GRANT EXECUTE ON FUNCTION withdraw_epoch()
	TO withdraw_service, withdraw_operator, withdraw_reconcile;

GRANT EXECUTE ON FUNCTION
	withdraw_midnight(timestamp, text),
	sign_in_add(text, bigint, text, text, text),
	sign_in_passwd(text, text, text, text),
	sign_in_disable(text, boolean, text, text),
	account_open(bigint, numeric, text, text),
	account_credit(bigint, numeric, text, text),
	account_adjust(bigint, numeric, text, text),
	account_set_state(bigint, text, text, text),
	limit_set(bigint, numeric, numeric, numeric, numeric, text, text, text),
	limit_clear(bigint, text, text),
	payout_export(bigint, text, text),
	payout_mark(uuid, text, text, text, text)
	TO withdraw_operator;

GRANT EXECUTE ON FUNCTION
	ledger_hash(bytea, bigint, bigint, text, numeric, numeric, uuid,
		timestamptz, text),
	reconcile_suspects_since(bigint),
	reconcile_diagnose(bigint),
	reconcile_lock(),
	reconcile_since(interval),
	reconcile_begin(text, bigint, text),
	reconcile_handle(bigint, bigint, text),
	reconcile_report(bigint, text, bigint, uuid, text, text, text, text, text),
	reconcile_open_users(),
	reconcile_overdue(timestamptz, uuid, integer),
	reconcile_settle(text, bigint, uuid, text, text),
	reconcile_forget(bigint),
	reconcile_resolve_payouts(),
	reconcile_count(bigint, bigint),
	reconcile_end(bigint, bigint, bigint, bigint, bigint)
	TO withdraw_operator, withdraw_reconcile;

COMMIT;
