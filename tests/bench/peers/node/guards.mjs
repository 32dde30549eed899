// guards.mjs: token, lock and recorded answers in Redis, by withdrawd's own
// scripts. Redis only saves work: every call may fail, and says so.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { config } from './config.mjs';
import * as record from './record.mjs';

const script = (name) => readFileSync(`${config.scripts}/${name}.lua`, 'utf8');
const keyToken = (user, token) => `withdraw:{${user}}:token:${token}`;
const keyLock = (user) => `withdraw:{${user}}:lock`;
const keyResult = (user, epoch, order) =>
	`withdraw:{${user}}:result:${epoch}:${order}`;

let redis;
let log = console;
let calls = 0;

function address(url) {
	const u = new URL(url);
	return u.protocol === 'unix:'
		? { path: u.pathname, db: Number(u.searchParams.get('db') ?? 0) }
		: { host: u.hostname, port: Number(u.port || 6379),
			password: u.password || undefined,
			db: Number(u.pathname.slice(1) || 0) };
}

export async function open(logger) {
	log = logger;
	redis = new Redis({
		...address(config.redis),
		enableAutoPipelining: config.autoPipelining,
		// whoever asks a Redis that is down is told at once
		enableOfflineQueue: false,
		autoResendUnfulfilledCommands: false,
		commandTimeout: config.redisTimeout,
		retryStrategy: () => 200,
		scripts: {
			admit: { numberOfKeys: 3, lua: script('admit') },
			settle: { numberOfKeys: 2, lua: script('settle') },
		},
	});
	redis.on('error', (e) => log.warn(`redis: ${e.message}`));
	await once(redis, 'ready');
}

export const close = () => redis.quit();

// null: Redis could not keep it; then the ledger does without one.
export async function mint(user, order) {
	const token = randomUUID();
	try {
		await redis.set(keyToken(user, token), order, 'PX', config.tokenTtl);
	} catch (e) {
		log.warn(`redis: ${e.message}`);
	}
	return token;
}

// [word, record]: go, recorded, garbled, twin, busy, no-token, or no-redis.
export async function admit(w, owner, epoch, trustCache) {
	const n = String(++calls);
	try {
		const [echo, word, text] = await redis.admit(
			keyResult(w.user, epoch, w.order), keyLock(w.user),
			keyToken(w.user, w.token), w.order, owner, config.lockTtl,
			trustCache && epoch !== '' ? 'clt' : 'lt', n);
		if (echo !== n)
			throw new Error('a reply to another request');
		if (word !== 'recorded')
			return [word, null];
		const r = record.decode(text, w.user, w.order);
		return r ? ['recorded', r] : ['garbled', null];
	} catch (e) {
		log.warn(`redis: ${e.message}`);
		return ['no-redis', null];
	}
}

// Remembers the answer (null: there is none), gives back the lock if owner
// ('': nobody) still has it. Never takes longer than a short bound.
export async function settle(w, owner, epoch, r) {
	const value = r && epoch ? record.encode(w.user, r) : '';
	const mine = owner ? `${w.order} ${owner}` : '';
	if (value === '' && mine === '')
		return;
	const bound = new AbortController();
	await Promise.race([
		redis.settle(keyResult(w.user, epoch ?? '', w.order), keyLock(w.user),
			value, config.resultTtl, mine, String(++calls))
			.catch((e) => log.warn(`redis: ${e.message}`)),
		sleep(config.settleWait, null, { signal: bound.signal }).catch(() => {}),
	]);
	bound.abort();
}
