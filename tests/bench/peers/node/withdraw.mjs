// withdraw.mjs: the pipeline, token -> lock -> ledger -> cache.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { config } from './config.mjs';
import * as guards from './guards.mjs';
import * as ledger from './ledger.mjs';
import { DECLINED, SUCCEEDED, VOID, stateOf } from './record.mjs';

const POLL_FIRST = 5; // ms, doubled up to
const POLL_LAST = 100;

// Orders that are under way in this process: key -> promise of the outcome.
const flights = new Map();

const said = (outcome, state) => ({ outcome, state, record: null, replayed: false });

// The answer to this request, from the record that stands.
function judge(w, record, replayed) {
	const state = stateOf(record);
	let outcome = 'succeeded';
	if (record.status === VOID)
		outcome = 'order-void';
	else if (record.amount !== w.amount)
		outcome = 'order-mismatch';
	else if (record.status === DECLINED)
		outcome = record.reason;
	else if (record.status !== SUCCEEDED)
		outcome = 'outcome-unknown';
	return { outcome, state, record, replayed };
}

// w: { user, order, amount, token }, all checked texts; the amount has two
// decimals. The first request for an order does the work, its twins in this
// process wait for what it learns.
export async function withdraw(w) {
	const key = `${w.user} ${w.order}`;
	const until = Date.now() + config.twinWait;
	for (;;) {
		const first = flights.get(key);
		if (first === undefined) {
			const flight = pipeline(w, until).finally(
				() => flights.delete(key));
			flights.set(key, flight);
			return flight;
		}
		const told = await within(first, until - Date.now());
		if (told === null)
			return said('in-progress', 'running');
		if (told.record)
			return judge(w, told.record, true);
		if (told.outcome === 'unavailable' || told.outcome === 'outcome-unknown')
			return told;
		// its token may have been bad, and ours good
	}
}

// null: not in time.
async function within(promise, ms) {
	let timer;
	const late = new Promise((resolve) => {
		timer = setTimeout(resolve, Math.max(0, ms), null);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

async function pipeline(w, until) {
	let owner = randomUUID();
	let trustCache = true;
	let delay = POLL_FIRST;
	for (;;) {
		const [word, record] = await guards.admit(w, owner, ledger.epoch,
			trustCache);
		switch (word) {
		case 'recorded':
			return judge(w, record, true);
		case 'garbled':
			trustCache = false; // settling mends it
			continue;
		case 'busy':
			return said('busy', 'unknown');
		case 'no-token':
			return lookup(w, 'token-invalid', 'none');
		case 'twin': // in another process
			if (Date.now() >= until)
				return lookup(w, 'in-progress', 'running');
			await sleep(delay);
			delay = Math.min(delay * 2, POLL_LAST);
			continue;
		case 'go':
		case 'no-redis': // the lock may be ours all the same
			return decide(w, owner);
		default:
			throw new Error(`the admission said "${word}"`);
		}
	}
}

// The ledger may know the order; if not, that is the outcome.
async function lookup(w, outcome, state) {
	const found = await ledger.find(w.user, w.order);
	if (found.verdict !== 'rows')
		return said(outcome === 'in-progress' ? outcome : 'unavailable', 'unknown');
	if (!found.record)
		return said(outcome, state);
	await guards.settle(w, '', found.epoch, found.record);
	return judge(w, found.record, true);
}

async function decide(w, owner) {
	const done = await ledger.withdraw(w.user, w.order, w.amount);
	switch (done.verdict) {
	case 'rows':
		await guards.settle(w, owner, done.epoch, done.record);
		return done.record
			? judge(w, done.record, done.replayed)
			: said('account-unknown', 'none');
	case 'failed':
		await guards.settle(w, owner, '', null);
		return said('unavailable', 'unknown');
	default:
		// the commit may still be under way: the lock stays
		return said('outcome-unknown', 'unknown');
	}
}
