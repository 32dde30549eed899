-- 103-payout.sql: from the debit to money in somebody's hand, or back.
--
-- A withdrawal that succeeded is due; it becomes paid or returned, once, and
-- stays that. Returning puts the money back in the same transaction. Order of
-- locks: the record, then the account, as everywhere.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;

-- Tells who listens. The payload is JSON: order_id, user_id, payout.
CREATE OR REPLACE FUNCTION payout_notify(p_order uuid, p_user bigint,
	p_state text)
RETURNS void LANGUAGE sql VOLATILE
AS $$
	SELECT pg_notify('withdraw_payout', json_build_object(
		'order_id', p_order, 'user_id', p_user, 'payout', p_state)::text);
$$;

-- Takes what is due into a new batch: all of it, or the p_limit oldest.
-- Orders of frozen accounts are held back. Returns the batch, or NULL if
-- nothing is due; left: due and in no batch after this; held: those of them
-- that are held back. Two at once: the second waits, and finds nothing twice.
CREATE OR REPLACE FUNCTION payout_export(p_limit bigint, p_actor text,
	p_reason text)
RETURNS TABLE (batch bigint, left_due bigint, held bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_batch  bigint;
	v_orders bigint;
	v_total  numeric;
BEGIN
	LOCK TABLE payout_batch IN SHARE ROW EXCLUSIVE MODE;
	SELECT coalesce(max(b.batch), 0) + 1 INTO v_batch FROM payout_batch b;
	WITH due AS MATERIALIZED (
		SELECT r.order_id FROM withdraw_record r
			JOIN account a ON a.user_id = r.user_id
				AND a.state = 'active'
			WHERE r.status = 1 AND r.payout_batch IS NULL
				AND r.payout_state IS NULL
			ORDER BY r.created_at, r.order_id
			LIMIT p_limit FOR NO KEY UPDATE OF r),
	taken AS (
		UPDATE withdraw_record r SET payout_batch = v_batch,
				txid = pg_current_xact_id()::text::bigint
			FROM due d WHERE r.order_id = d.order_id
			RETURNING r.amount)
	SELECT count(*), sum(t.amount) INTO v_orders, v_total FROM taken t;
	IF v_orders > 0 THEN
		INSERT INTO payout_batch (batch, orders, total, created_by,
				created_at)
			VALUES (v_batch, v_orders, v_total,
				coalesce(p_actor, session_user), clock_timestamp());
		PERFORM operator_note(p_actor, 'payouts export', NULL, NULL,
			format('batch %s: %s orders, %s in all', v_batch, v_orders,
				v_total), p_reason);
	ELSE
		v_batch := NULL;
	END IF;
	RETURN QUERY SELECT v_batch, count(*),
			count(*) FILTER (WHERE a.state IS DISTINCT FROM 'active')
		FROM withdraw_record r
		LEFT JOIN account a ON a.user_id = r.user_id
		WHERE r.status = 1 AND r.payout_batch IS NULL
			AND r.payout_state IS NULL;
END $$;

-- Moves the payout of p_order to p_state, 'paid' or 'returned', with the
-- reference that the outside system gave it. verdict:
--   moved            now
--   already          it was moved there before, with this reference
--   other-reference  it was moved there before, with another reference
--   other-state      it was moved to the other state before
--   not-succeeded    the order was declined or is void: nothing to pay out
--   unknown          there is no such order
-- and what stands then; balance only where money was put back just now.
CREATE OR REPLACE FUNCTION payout_mark(p_order uuid, p_state text,
	p_reference text, p_actor text, p_reason text)
RETURNS TABLE (verdict text, user_id bigint, amount numeric, payout text,
	reference text, payout_us bigint, balance numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
	v_record  withdraw_record;
	v_verdict text;
	v_balance numeric;
BEGIN
	IF (p_state IN ('paid', 'returned')) IS NOT TRUE THEN
		RAISE EXCEPTION 'a payout is marked paid or returned, not %', p_state
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF (p_reference ~ '^[^[:cntrl:]]{1,200}$') IS NOT TRUE THEN
		RAISE EXCEPTION 'a payout needs the reference of the payment system, of 1 to 200 characters'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO v_record FROM withdraw_record r
		WHERE r.order_id = p_order FOR NO KEY UPDATE;
	v_verdict := CASE
		WHEN NOT FOUND THEN 'unknown'
		WHEN v_record.status <> 1 THEN 'not-succeeded'
		WHEN v_record.payout_state IS NULL THEN 'moved'
		WHEN v_record.payout_state <> p_state THEN 'other-state'
		WHEN v_record.payout_reference <> p_reference THEN 'other-reference'
		ELSE 'already'
	END;
	IF v_verdict = 'moved' THEN
		UPDATE withdraw_record r SET payout_state = p_state,
				payout_reference = p_reference,
				payout_at = clock_timestamp(),
				txid = pg_current_xact_id()::text::bigint
			WHERE r.order_id = p_order
			RETURNING r.* INTO v_record;
		IF p_state = 'returned' THEN
			SELECT e.balance INTO v_balance FROM ledger_append(
				v_record.user_id, 'return', v_record.amount, p_order,
				p_reference) e;
			IF NOT FOUND THEN
				RAISE EXCEPTION 'the account % of order % is gone', v_record.user_id, p_order;
			END IF;
		END IF;
		PERFORM operator_note(p_actor, 'payouts mark', v_record.user_id,
			p_order, p_state || ' ' || p_reference, p_reason);
		PERFORM payout_notify(p_order, v_record.user_id, p_state);
	END IF;
	RETURN QUERY SELECT v_verdict, v_record.user_id,
		v_record.amount::numeric,
		CASE WHEN v_record.status = 1
			THEN coalesce(v_record.payout_state, 'due') END,
		v_record.payout_reference,
		(extract(epoch FROM v_record.payout_at) * 1000000)::bigint,
		v_balance;
END $$;

COMMIT;
