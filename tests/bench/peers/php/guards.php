<?php
declare(strict_types=1);
// guards.php: token, lock and recorded answers in Redis, by withdrawd's own
// scripts. Redis only saves work: every call may fail, and says so.

function key_token(string $user, string $token): string
{
	return "withdraw:{{$user}}:token:$token";
}

function key_lock(string $user): string
{
	return "withdraw:{{$user}}:lock";
}

function key_result(string $user, string $epoch, string $order): string
{
	return "withdraw:{{$user}}:result:$epoch:$order";
}

function uuid(): string
{
	$b = random_bytes(16);
	$b[6] = chr(ord($b[6]) & 0x0f | 0x40);
	$b[8] = chr(ord($b[8]) & 0x3f | 0x80);
	$h = bin2hex($b);
	return substr($h, 0, 8) . '-' . substr($h, 8, 4) . '-' . substr($h, 12, 4) .
		'-' . substr($h, 16, 4) . '-' . substr($h, 20);
}

/** The child's persistent connection, or null: Redis is down, or was a moment
 * ago. */
function redis(): ?Redis
{
	static $redis = null;
	if ($redis !== null) {
		return $redis;
	}
	if (apcu_exists('redis-down')) {
		return null;
	}
	$url = setting('REDIS_URL', 'redis://127.0.0.1:6379/0');
	$wait = (int)setting('WITHDRAW_REDIS_TIMEOUT_MS', '500') / 1000;
	try {
		$r = new Redis();
		// parse_url() takes no unix:///path
		if (preg_match('#^unix://([^?]+)(?:\?db=([0-9]+))?$#D', $url, $m)) {
			$db = (int)($m[2] ?? 0);
			$r->pconnect($m[1], 0, $wait, "withdraw-$db", 0, $wait);
		} else {
			$u = parse_url($url);
			$db = (int)substr($u['path'] ?? '/0', 1);
			$r->pconnect($u['host'], $u['port'] ?? 6379, $wait, "withdraw-$db", 0, $wait);
			if (isset($u['pass'])) {
				$r->auth($u['pass']);
			}
		}
		if ($db !== 0) {
			$r->select($db);
		}
		return $redis = $r;
	} catch (RedisException $e) {
		redis_failed(null, $e->getMessage());
		return null;
	}
}

/** Whatever went wrong, the connection is not used again: a late reply on it
 * would be taken for the next one's. */
function redis_failed(?Redis $r, string $why): void
{
	error_log("redis: $why");
	apcu_store('redis-down', 1, 1);
	try {
		$r?->close();
	} catch (RedisException) {
		// it is closed then
	}
}

/** Runs one of withdrawd's scripts; the last argument, a number of ours, comes
 * back as the first item of the reply. Null: no reply of its own. */
function redis_script(string $name, array $keys, array $args, float $wait): ?array
{
	$scripts = require __DIR__ . '/scripts.php'; // in opcache's memory
	[$sha, $text] = $scripts[$name];
	$r = redis();
	if ($r === null) {
		return null;
	}
	$n = bin2hex(random_bytes(4));
	$all = [...$keys, ...$args, $n];
	try {
		$r->setOption(Redis::OPT_READ_TIMEOUT, $wait);
		$reply = $r->evalSha($sha, $all, count($keys));
		if ($reply === false && str_starts_with((string)$r->getLastError(), 'NOSCRIPT')) {
			$r->clearLastError();
			$reply = $r->eval($text, $all, count($keys));
		}
	} catch (RedisException $e) {
		redis_failed($r, $e->getMessage());
		return null;
	}
	if (!is_array($reply) || $reply[0] !== $n) {
		redis_failed($r, (string)$r->getLastError());
		return null;
	}
	return $reply;
}

/** Without Redis the token is not kept; then the ledger does without one. */
function guard_mint(string $user, string $order): string
{
	$token = uuid();
	$r = redis();
	try {
		$r?->set(key_token($user, $token), $order,
			['px' => (int)setting('WITHDRAW_TOKEN_TTL_MS', '5000')]);
	} catch (RedisException $e) {
		redis_failed($r, $e->getMessage());
	}
	return $token;
}

/** One of go, recorded, garbled, twin, busy, no-token, no-redis, and the record
 * that was recorded. */
function guard_admit(Withdrawal $w, string $owner, string $epoch, bool $trust_cache): array
{
	$reply = redis_script('admit', [
		key_result($w->user, $epoch, $w->order),
		key_lock($w->user),
		key_token($w->user, $w->token),
	], [
		$w->order, $owner, setting('WITHDRAW_LOCK_TTL_MS', '10000'),
		$trust_cache && $epoch !== '' ? 'clt' : 'lt',
	], (int)setting('WITHDRAW_REDIS_TIMEOUT_MS', '500') / 1000);
	if ($reply === null) {
		return ['no-redis', null];
	}
	if ($reply[1] !== 'recorded') {
		return [$reply[1], null];
	}
	$record = Record::decode($reply[2], $w->user, $w->order);
	return [$record === null ? 'garbled' : 'recorded', $record];
}

/** Remembers the answer (null: there is none), gives back the lock if owner
 * ('': nobody) still has it. Never takes longer than a short bound. */
function guard_settle(Withdrawal $w, string $owner, string $epoch, ?Record $record): void
{
	$value = $record !== null && $epoch !== '' ? $record->encode($w->user) : '';
	$mine = $owner !== '' ? "$w->order $owner" : '';
	if ($value === '' && $mine === '') {
		return;
	}
	redis_script('settle', [
		key_result($w->user, $epoch, $w->order),
		key_lock($w->user),
	], [$value, setting('WITHDRAW_RESULT_TTL_S', '3600'), $mine], SETTLE_WAIT_S);
}
