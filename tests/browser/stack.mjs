// What the browser tests stand on: a Chromium, a signed-in page, and a look
// into the ledger to compare the page's words with. The servers are running
// already: BASE_URL says where, PGHOST and the like lead psql to the ledger.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const run = promisify(execFile);

// withdraw_record.status
export const SUCCEEDED = 1;
export const DECLINED = 2;
export const VOID = 3;

export const LIMIT_MS = 60_000; // a bound, for what never comes

export const BASE_URL = setting('BASE_URL');
setting('PGHOST');

export async function launchBrowser() {
  return chromium.launch(options());
}

// A context of its own, with the settings of a profile's folder.
export async function launchProfile(profile, more) {
  const context = await chromium.launchPersistentContext(profile,
    { ...options(), ...more });
  context.setDefaultTimeout(LIMIT_MS);
  return context;
}

function options() {
  const executablePath = fileURLToPath(
    new URL('chromium.sh', import.meta.url));
  const args = [
    '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync',
  ];
  if (process.getuid() === 0) args.push('--no-sandbox');
  return { executablePath, args };
}

// A user nobody else has, with an open account, signed in to a fresh profile.
export async function signIn(browser, balance, options = {}) {
  const user = await openAccount(balance);
  const context = await browser.newContext({
    extraHTTPHeaders: basic(user), locale: 'en-US', ...options,
  });
  context.setDefaultTimeout(LIMIT_MS);
  return { user, context };
}

// The servers take HTTP Basic from whoever sends it, and never ask for it.
export function basic(user) {
  const name = `user${user}`;
  return { Authorization: `Basic ${btoa(`${name}:${name}`)}` };
}

// Lets somebody sign in on the page as that user: their name and password.
export function addSignIn(user) {
  const name = `n${user}`;
  const password = `a password of ${user}`;
  execFileSync(`${process.env.BUILD ?? 'build'}/withdrawctl`,
    ['user', 'add', name, String(user)], {
      input: `${password}\n`,
      env: { ...process.env, PGUSER: 'withdraw_operator' },
    });
  return { name, password };
}

export async function openPage(context, url = BASE_URL) {
  const page = await context.newPage();
  const response = await page.goto(url);
  assert.notEqual(response.status(), 401, 'the servers know no such sign-in: '
    + 'start them with more EXTRA_USERS, each test uses up one');
  return page;
}

// All that the ledger says about a user, checked for what must always hold.
export async function ledgerOf(user) {
  // one look, at one instant
  const { account, records, entries, sum } = await query(`SELECT
    (SELECT row_to_json(q) FROM (SELECT balance::text, version
      FROM account WHERE user_id = ${user}) AS q) AS account,
    (SELECT coalesce(json_agg(q), '[]') FROM (SELECT order_id, amount::text,
      status, reason, balance_after::text, payout_state FROM withdraw_record
      WHERE user_id = ${user} ORDER BY created_at) AS q) AS records,
    (SELECT coalesce(json_agg(q), '[]') FROM (SELECT version, kind, delta::text,
      order_id, balance_after::text FROM ledger_entry WHERE user_id = ${user}
      ORDER BY version) AS q) AS entries,
    (SELECT sum(delta)::text FROM ledger_entry
      WHERE user_id = ${user}) AS sum`);

  assert.equal(account.balance, sum, 'balance is the sum of the entries');
  assert.deepEqual(entries.map((e) => e.version),
    entries.map((_, i) => i + 1), 'the journal has no gap');
  assert.equal(account.version, entries.length, 'the account is its head');
  const debits = entries.filter((e) => e.kind === 'withdraw');
  assert.deepEqual(debits.map((e) => e.order_id).sort(),
    records.filter((r) => r.status === SUCCEEDED).map((r) => r.order_id).sort(),
    'each succeeded record has one entry, and no other has any');
  return { balance: account.balance, records, debits };
}

export async function openAccount(balance) {
  // one transaction: the lock keeps two test files off the same number
  const { stdout } = await psql(`SELECT pg_advisory_xact_lock(2001);
    SELECT n FROM (SELECT min(n) AS n FROM generate_series(2001, 3000) AS n
      WHERE n NOT IN (SELECT user_id FROM account)) AS next,
      account_open(n, ${balance})`);
  return Number(stdout.trim().split('\n').pop());
}

// What operators do, by the functions that withdrawctl calls.
export async function credit(user, amount) {
  await psql(`SELECT account_credit(${user}, ${amount}, 'test')`);
}

export async function adjust(user, delta) {
  await psql(`SELECT account_adjust(${user}, ${delta}, 'test', 'a test')`);
}

export async function freeze(user) {
  await setState(user, 'frozen');
}

export async function unfreeze(user) {
  await setState(user, 'active');
}

async function setState(user, state) {
  await psql(`SELECT account_set_state(${user}, '${state}', 'test', 'a test')`);
}

export async function markPayout(orderId, state, reference) {
  await psql(`SELECT payout_mark('${orderId}', '${state}', '${reference}',
    'test', 'a test')`);
}

// Of one withdrawal, and of a day; a limit that is not given is none.
export async function limit(user, { min, max, count, sum }) {
  const values = [min, max, count, sum].map((value) => value ?? 'NULL');
  await psql(`SELECT limit_set(${user}, ${values.join()}, NULL, 'test',
    'a test')`);
}

// The one row of a query, as an object.
async function query(sql) {
  const { stdout } = await psql(`SELECT row_to_json(r) FROM (${sql}) AS r`);
  return JSON.parse(stdout);
}

function psql(sql) {
  return run('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', sql]);
}

function setting(name) {
  assert.ok(process.env[name],
    `${name} is not set: start the servers with tests/servers.sh and load `
    + 'the file "env" of their RUN_DIR');
  return process.env[name];
}
