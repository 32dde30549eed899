<?php
declare(strict_types=1);
// ledger.php: Postgres, which alone decides. A persistent connection a child,
// with prepared statements, each one transaction.

const LEDGER_COLUMNS = 'order_id, status, amount, currency, reason,' .
	' balance_after, version, created_us, resets_us';
const LEDGER_STATEMENTS = [
	'withdraw' => 'SELECT replayed, ' . LEDGER_COLUMNS .
		' FROM withdraw_execute($1, $2, $3, $4, NULL, NULL)',
	'find' => 'SELECT true, ' . LEDGER_COLUMNS . ' FROM withdraw_find($1, $2)',
];
const LEDGER_SETUP = "SELECT current_setting('fsync')," .
	" current_setting('full_page_writes')," .
	" current_setting('synchronous_commit'), withdraw_epoch()";
const LEDGER_TRIES = 10;

enum Verdict
{
	case Rows;
	case Failed;	// surely not done
	case Uncertain;	// it may have been
}

final class Outcome
{
	public function __construct(
		public readonly Verdict $verdict,
		public readonly ?Record $record = null,
		public readonly bool $replayed = false,
		public readonly string $epoch = '',
	) {
	}
}

/** Of the connection that was set up last; '' before there is one. */
function ledger_epoch(): string
{
	return apcu_fetch('epoch') ?: '';
}

function ledger_withdraw(string $user, string $order, string $amount): Outcome
{
	return ledger_call('withdraw', [$user, $order, $amount,
		setting('WITHDRAW_CURRENCY', 'CNY')]);
}

function ledger_find(string $user, string $order): Outcome
{
	return ledger_call('find', [$user, $order]);
}

/** A session's settings are in the connection's options: pg_pconnect() sends
 * RESET ALL each time, which would undo what SET has set. */
function ledger_connect(): PgSql\Connection|false
{
	$statement_ms = intdiv((int)setting('WITHDRAW_LEDGER_TIMEOUT_MS', '5000') * 4, 5);
	return @pg_pconnect('connect_timeout=3 application_name=withdraw-peer-php ' .
		"options='-c statement_timeout=$statement_ms" .
		' -c client_connection_check_interval=1000' .
		' -c default_transaction_isolation=read\\\\ committed' .
		" -c client_min_messages=warning'");
}

/** On a connection that does not know the statements: is the server fit, which
 * history is its, and the statements. */
function ledger_setup(PgSql\Connection $c): bool
{
	$r = @pg_query($c, LEDGER_SETUP);
	$row = $r ? pg_fetch_row($r) : false;
	if (!$row || $row[0] !== 'on' || $row[1] !== 'on' ||
	    !in_array($row[2], ['on', 'remote_apply'], true)) {
		error_log('postgres is not fit: ' . pg_last_error($c));
		return false;
	}
	apcu_store('epoch', $row[3]);
	apcu_store('epoch:' . pg_get_pid($c), $row[3]);
	foreach (LEDGER_STATEMENTS as $name => $sql) {
		if (!@pg_prepare($c, $name, $sql)) {
			error_log('postgres: ' . pg_last_error($c));
			return false;
		}
	}
	return true;
}

/** The last result of the statement, or null: none in time, or no connection. */
function ledger_send(PgSql\Connection $c, string $name, array $params, float $until): ?PgSql\Result
{
	pg_last_notice($c, PGSQL_NOTICE_CLEAR);
	if (!@pg_send_execute($c, $name, $params)) {
		return null;
	}
	$socket = pg_socket($c);
	do {
		$left = (int)(($until - microtime(true)) * 1e6);
		$read = [$socket];
		$none = [];
		if ($left <= 0 || !stream_select($read, $none, $none, 0, $left)) {
			return null;
		}
	} while (pg_connection_busy($c));
	$last = null;
	while ($r = pg_get_result($c)) {
		$last = $r;
	}
	return $last;
}

/** Both statements may be sent any number of times: one whose reply was lost
 * is sent again, and waits for a commit that is still under way. */
function ledger_call(string $name, array $params): Outcome
{
	$until = microtime(true) + (int)setting('WITHDRAW_LEDGER_TIMEOUT_MS', '5000') / 1000;
	$uncertain = false;
	for ($i = 0; $i < LEDGER_TRIES && microtime(true) < $until; $i++) {
		$c = ledger_connect();
		if (!$c) {
			error_log('postgres: no connection');
			if (!$uncertain) {
				break;
			}
			usleep(100000);
			continue;
		}
		$r = ledger_send($c, $name, $params, $until);
		$state = $r ? (pg_result_error_field($r, PGSQL_DIAG_SQLSTATE) ?: '') : '';
		if ($state === '26000') { // a fresh connection
			if (!ledger_setup($c)) {
				pg_connection_reset($c);
				break;
			}
			continue;
		}
		if ($r && pg_result_status($r) === PGSQL_TUPLES_OK &&
		    pg_transaction_status($c) === PGSQL_TRANSACTION_IDLE &&
		    pg_last_notice($c) === '') {
			return ledger_outcome($c, $r);
		}
		error_log("postgres: $state " . pg_last_error($c));
		$refused = $r && pg_connection_status($c) === PGSQL_CONNECTION_OK &&
			pg_result_error_field($r, PGSQL_DIAG_SEVERITY_NONLOCALIZED) === 'ERROR';
		@pg_connection_reset($c);
		if (!$refused) {
			$uncertain = true;
		} elseif (!in_array($state, ['40001', '40P01', '25006'], true)) {
			break;
		}
	}
	return new Outcome($uncertain ? Verdict::Uncertain : Verdict::Failed);
}

function ledger_outcome(PgSql\Connection $c, PgSql\Result $r): Outcome
{
	$row = pg_fetch_row($r);
	if (!$row) {
		return new Outcome(Verdict::Rows);
	}
	$replayed = array_shift($row) === 't';
	return new Outcome(Verdict::Rows, new Record(...$row), $replayed,
		apcu_fetch('epoch:' . pg_get_pid($c)) ?: '');
}
