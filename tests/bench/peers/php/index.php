<?php
declare(strict_types=1);
// index.php: the calls, their checks and their answers.

require __DIR__ . '/config.php';
require __DIR__ . '/record.php';
require __DIR__ . '/ledger.php';
require __DIR__ . '/guards.php';
require __DIR__ . '/withdraw.php';

const BODY_MAX = 4096;
const JSON = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR;

/** What is wrong with the request. */
final class Refusal extends Exception
{
	public function __construct(public readonly string $problem, public readonly ?string $detail = null)
	{
		parent::__construct($problem);
	}
}

function answer(int $status, array $body, string $type = 'application/json'): void
{
	$json = json_encode($body, JSON);
	http_response_code($status);
	header("Content-Type: $type");
	header('Cache-Control: no-store');
	header('Content-Length: ' . strlen($json));
	echo $json;
}

function problem(string $code, ?string $detail = null, string $state = 'unknown',
	bool $safe = false, array $more = []): void
{
	$problems = json_decode(file_get_contents(__DIR__ . '/problems.json'), true);
	if (!isset($problems[$code])) {
		$code = 'declined'; // a newer ledger's reason
	}
	[$status, $title, $standard, $retry] = $problems[$code];
	if ($retry > 0) {
		header("Retry-After: $retry");
	}
	answer($status, [
		'type' => "/problems/$code", 'title' => $title, 'status' => $status,
		'detail' => $detail ?? $standard, 'order_state' => $state,
		'safe_new_order' => $safe,
	] + $more, 'application/problem+json');
}

function parse_uuid(string $text): ?string
{
	if (!preg_match('/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iD', $text)) {
		return null;
	}
	$lower = strtolower($text);
	return $lower === '00000000-0000-0000-0000-000000000000' ? null : $lower;
}

function check_user(): string
{
	$user = $_SERVER['WITHDRAW_USER'] ?? '';
	// PHP's integers end where BIGINT ends
	if ((string)(int)$user !== $user || (int)$user < 1) {
		throw new Refusal('unauthenticated');
	}
	return $user;
}

function check_key(): string
{
	$key = $_SERVER['HTTP_IDEMPOTENCY_KEY'] ?? '';
	if (strlen($key) === 38 && $key[0] === '"' && $key[37] === '"') {
		$key = substr($key, 1, -1);
	}
	return parse_uuid($key) ?? throw new Refusal('malformed',
		'The Idempotency-Key header names the order: one UUID.');
}

/** The members of the body, which may only be those of the list. */
function check_body(array $members): array
{
	$text = file_get_contents('php://input', false, null, 0, BODY_MAX + 1);
	if (strlen($text) > BODY_MAX) {
		throw new Refusal('too-large');
	}
	if ($text === '') {
		return [];
	}
	if (!preg_match('#^application/json\s*(;|$)#iD', $_SERVER['CONTENT_TYPE'] ?? '')) {
		throw new Refusal('unsupported-media-type');
	}
	$body = json_decode($text, false, 2);
	if (!$body instanceof stdClass) {
		throw new Refusal('malformed', 'The body must be a flat JSON object.');
	}
	$body = (array)$body;
	foreach ($body as $name => $value) {
		if (!in_array($name, $members, true)) {
			throw new Refusal('malformed', 'The body has a key that is not known.');
		}
		if (!is_string($value)) {
			throw new Refusal('malformed', "\"$name\" must be a JSON string.");
		}
	}
	return $body;
}

function check_amount(?string $text): string
{
	if ($text === null ||
	    !preg_match('/^(0|[1-9][0-9]{0,12})(?:\.([0-9]{1,2}))?$/D', $text, $m)) {
		throw new Refusal('malformed', '"amount" must be digits with at most two' .
			' decimals, such as "100.00".');
	}
	$amount = $m[1] . '.' . str_pad($m[2] ?? '', 2, '0');
	if ($amount === '0.00') {
		throw new Refusal('malformed', '"amount" must be above zero.');
	}
	return $amount;
}

function post_token(): void
{
	$user = check_user();
	$order = check_key();
	check_body([]);
	answer(201, [
		'token' => guard_mint($user, $order),
		'order_id' => $order,
		'expires_in_ms' => (int)setting('WITHDRAW_TOKEN_TTL_MS', '5000'),
	]);
}

function post_withdraw(): void
{
	$user = check_user();
	$order = check_key();
	$body = check_body(['token', 'amount']);
	$w = new Withdrawal($user, $order, check_amount($body['amount'] ?? null),
		parse_uuid($body['token'] ?? '') ?? '');
	withdraw($w);
	if ($w->replayed && $w->outcome !== 'order-mismatch') {
		header('Idempotent-Replayed: true');
	}
	if ($w->outcome === 'succeeded') {
		$r = $w->record;
		answer(201, [
			'order_id' => $r->order, 'status' => 'succeeded',
			'amount' => $r->amount, 'currency' => $r->currency,
			'balance_after' => $r->balance,
			'created_at' => Record::time($r->created),
		]);
		return;
	}
	problem($w->outcome, null, $w->state,
		$w->record !== null && $w->record->status !== Record::SUCCEEDED,
		['order_id' => $order] + about($w));
}

/** What a problem says of the record that stands, if there is one. */
function about(Withdrawal $w): array
{
	$r = $w->record;
	if ($r === null) {
		return [];
	}
	if ($w->outcome === 'order-mismatch') {
		return ['original' => "/api/withdrawals/$r->order",
			'original_amount' => $r->amount];
	}
	if ($r->status === Record::VOID) {
		return ['created_at' => Record::time($r->created)];
	}
	$more = ['amount' => $r->amount, 'currency' => $r->currency,
		'created_at' => Record::time($r->created)];
	return $r->resets === null ? $more
		: $more + ['resets_at' => Record::time($r->resets)];
}

function get_withdrawal(string $text): void
{
	$user = check_user();
	$order = parse_uuid($text) ?? throw new Refusal('malformed',
		'The order in the path must be a UUID.');
	$found = ledger_find($user, $order);
	$r = $found->record;
	if ($found->verdict !== Verdict::Rows) {
		problem('unavailable');
	} elseif ($r === null) {
		problem('order-unknown', null, 'none');
	} else {
		$body = ['order_id' => $r->order, 'status' => $r->state(),
			'reason' => $r->reason, 'amount' => $r->amount,
			'currency' => $r->currency, 'balance_after' => $r->balance,
			'created_at' => Record::time($r->created)];
		answer(200, $r->resets === null ? $body
			: $body + ['resets_at' => Record::time($r->resets)]);
	}
}

function dispatch(string $method, string $path): void
{
	if ($path === '/api/withdraw' && $method === 'POST') {
		post_withdraw();
	} elseif ($path === '/api/token' && $method === 'POST') {
		post_token();
	} elseif (str_starts_with($path, '/api/withdrawals/') && $method === 'GET') {
		get_withdrawal(substr($path, strlen('/api/withdrawals/')));
	} else {
		throw new Refusal('not-found');
	}
}

try {
	dispatch($_SERVER['REQUEST_METHOD'], $_SERVER['DOCUMENT_URI']);
} catch (Refusal $e) {
	problem($e->problem, $e->detail);
} catch (Throwable $e) {
	error_log((string)$e);
	problem('outcome-unknown');
}
