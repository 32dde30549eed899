// ledger.mjs: Postgres, which alone decides. A pool of connections with
// prepared statements, each one transaction.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { config } from './config.mjs';
import { fromRow } from './record.mjs';

const columns = 'order_id, status, amount, currency, reason, balance_after,' +
	' version, created_us, resets_us';
const statements = {
	withdraw: `SELECT replayed, ${columns}` +
		' FROM withdraw_execute($1, $2, $3, $4, NULL, NULL)',
	find: `SELECT true, ${columns} FROM withdraw_find($1, $2)`,
};

const setup = "SELECT current_setting('fsync')," +
	" current_setting('full_page_writes')," +
	" set_config('synchronous_commit'," +
	" current_setting('synchronous_commit'), false), withdraw_epoch()";
const session = `SET statement_timeout = ${Math.floor(config.ledgerTimeout * 4 / 5)};` +
	'SET client_connection_check_interval = 1000;' +
	"SET default_transaction_isolation = 'read committed';" +
	'SET client_min_messages = warning';

const TRIES = 10;
const AGAIN = new Set(['40001', '40P01', '25006']);
const asText = { getTypeParser: () => (value) => value };

const pool = new pg.Pool({
	max: config.pool,
	idleTimeoutMillis: 0,
	connectionTimeoutMillis: 3000,
	application_name: 'withdraw-peer-node',
});
let log = console;

// Of the connection that was set up last; '' before there is one.
export let epoch = '';

export async function open(logger) {
	log = logger;
	pool.on('error', (e) => log.warn(`postgres connection lost: ${e.message}`));
	(await connect()).release();
}

export const close = () => pool.end();

async function setUp(client) {
	const { rows: [row] } = await client.query({ text: setup, rowMode: 'array' });
	if (row[0] !== 'on' || row[1] !== 'on' ||
		!['on', 'remote_apply'].includes(row[2]))
		throw new Error('the server could lose a commit that it acknowledged');
	await client.query(session);
	// "canceling wait for synchronous replication": a commit that looks
	// like any other
	client.on('notice', () => { client.warned = true; });
	client.epoch = epoch = row[3];
}

async function connect() {
	const client = await pool.connect();
	if (client.epoch !== undefined)
		return client;
	try {
		await setUp(client);
		return client;
	} catch (e) {
		client.release(e);
		throw e;
	}
}

// The server refused, and goes on: surely nothing was committed. Otherwise
// the connection was lost, at what point of the commit nobody can say.
const refused = (e) => e instanceof pg.DatabaseError &&
	!/^(57P|25P|08)/.test(e.code);

// { verdict: 'rows', replayed, record (or null), epoch }, or
// { verdict: 'failed' }: surely not done; or { verdict: 'uncertain' }.
// Both statements may be sent any number of times: one whose reply was lost
// is sent again, and waits for a commit that is still under way.
async function call(name, values) {
	const until = Date.now() + config.ledgerTimeout;
	let uncertain = false;
	for (let i = 0; i < TRIES && Date.now() < until; i++) {
		let client;
		try {
			client = await connect();
		} catch (e) {
			log.warn(`postgres: ${e.message}`);
			if (!uncertain)
				return { verdict: 'failed' };
			await sleep(100);
			continue;
		}
		try {
			client.warned = false;
			const { rows } = await client.query({
				name, text: statements[name], values, rowMode: 'array',
				types: asText,
				query_timeout: Math.max(1, until - Date.now()),
			});
			if (client.warned)
				throw new Error('postgres was not sure of its commit');
			client.release();
			return {
				verdict: 'rows',
				replayed: rows[0]?.[0] === 't',
				record: rows.length ? fromRow(rows[0].slice(1)) : null,
				epoch: client.epoch,
			};
		} catch (e) {
			client.release(e); // closes it
			log.warn(`postgres: ${e.code ?? ''} ${e.message}`);
			if (!refused(e))
				uncertain = true;
			else if (!AGAIN.has(e.code))
				break;
		}
	}
	return { verdict: uncertain ? 'uncertain' : 'failed' };
}

export const withdraw = (user, order, amount) =>
	call('withdraw', [user, order, amount, config.currency]);

export const find = (user, order) => call('find', [user, order]);
