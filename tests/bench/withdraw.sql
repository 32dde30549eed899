-- withdraw.sql: for pgbench: the ledger's step of a withdrawal and nothing
-- else, as the service has it: one call of a prepared statement.
\set user random(1, :users)
SELECT replayed, order_id, status, amount, currency, reason, balance_after, version, created_us, resets_us FROM withdraw_execute(:user, gen_random_uuid(), 0.02, 'CNY', NULL, NULL);
