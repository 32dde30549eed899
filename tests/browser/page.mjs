// A test of the page: one user, one signed-in profile, one page that is ready;
// and what the tests do with it, ask and say about it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DECLINED, SUCCEEDED, VOID, launchBrowser, ledgerOf, openPage, signIn,
} from './stack.mjs';

export const ACCOUNT = '**/api/account?limits=1';
export const WITHDRAW = '**/api/withdraw';
export const VOID_CALL = '**/api/withdrawals/*/void';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });

// A test of one user with 100.00 and a page that is ready. options are those
// of the profile, besides balance and timeout.
export function pageTest(name, body,
  { balance = '100.00', timeout = 120_000, ...options } = {}) {
  test(name, { timeout }, async () => {
    const { user, context } = await signIn(browser, balance, options);
    try {
      const page = await openPage(context);
      await formIsOpen(page);
      await body({ user, context, page });
    } finally {
      await context.close();
    }
  });
}

export function theBrowser() {
  return browser;
}

export async function formIsOpen(page) {
  await page.locator('#fields:enabled').waitFor();
}

// Up to the check step, ready to be confirmed.
export async function toCheck(page, amount) {
  await page.fill('#amount', amount);
  await page.click('#continue');
  await page.locator('#withdraw:enabled').waitFor();
}

// The whole way of a person: amount, check, act.
export async function withdraw(page, amount) {
  await toCheck(page, amount);
  await page.click('#withdraw');
}

// Wait for the outcome card to be in one of the phases; says which.
export async function phase(page, ...phases) {
  const wanted = phases.map((p) => `#outcome[data-phase="${p}"]`).join();
  await page.locator(wanted).waitFor();
  return page.locator('#outcome').getAttribute('data-phase');
}

export async function textOf(page, id) {
  return page.locator(`#${id}`).innerText();
}

export async function balanceReads(page, text) {
  await page.locator('#balance', { hasText: new RegExp(`^¥${text}$`) })
    .waitFor();
}

// The order number that the page shows, which must be one of the ledger's.
export async function shownOrder(page) {
  return page.locator('#outcome-facts dd', { hasText: /^[0-9a-f-]{36}$/ })
    .innerText();
}

// The order that the page has kept, or null.
export async function pendingOrder(page, user) {
  return (await keptOf(page))[`orders.${user}`]?.pending?.[0] ?? null;
}

// Until it has kept that the order is to be closed.
export async function closingIsKept(page, user) {
  while (!(await pendingOrder(page, user)).closing);
}

// All that is in the page's IndexedDB, by key.
export async function keptOf(page) {
  return page.evaluate(async () => {
    const end = (request) => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const kept = {};
    for (const { name } of await indexedDB.databases()) {
      const database = await end(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const all = database.transaction(store, 'readwrite').objectStore(store);
        const [keys, values] = await Promise.all(
          [end(all.getAllKeys()), end(all.getAll())]);
        keys.forEach((key, i) => { kept[key] = values[i]; });
      }
      database.close();
    }
    return kept;
  });
}

// What the service answers when it cannot decide.
export function unavailable(retryAfter) {
  return {
    status: 503,
    contentType: 'application/problem+json',
    headers: { 'Retry-After': String(retryAfter) },
    body: JSON.stringify({
      type: '/problems/unavailable', title: 'Unavailable', status: 503,
      detail: 'made by the test', order_state: 'unknown', safe_new_order: false,
    }),
  };
}

// A promise to be kept by hand, to hold a request back.
export function gate() {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  return { opened, open };
}

// The one withdrawal that the ledger may have, and the page must tell.
export async function assertWithdrawnOnce(page, user, amount, balance) {
  await phase(page, 'succeeded');
  await balanceReads(page, balance);
  const { records, debits, ...ledger } = await ledgerOf(user);
  assert.equal(ledger.balance, balance);
  assert.equal(records.length, 1, 'one order');
  assert.equal(records[0].status, SUCCEEDED);
  assert.equal(records[0].amount, amount);
  assert.equal(debits.length, 1, 'one debit');
  await assertAgrees(page, records[0]);
  assert.equal(await pendingOrder(page, user), null, 'nothing is pending');
}

// The page's last words are those of a row of the ledger.
export async function assertAgrees(page, record) {
  const title = {
    [SUCCEEDED]: /^Withdrawn$/, [DECLINED]: /^Not withdrawn/,
    [VOID]: /^Not withdrawn$/,
  }[record.status];
  assert.match(await textOf(page, 'outcome-title'), title);
  assert.equal(await shownOrder(page), record.order_id);
  assert.ok(page.url().endsWith(`/?order=${record.order_id}`), page.url());
  const facts = await textOf(page, 'outcome-facts');
  if (record.status === VOID) return;
  assert.ok(facts.includes(`¥${record.amount}`), facts);
  assert.ok(facts.includes(`¥${record.balance_after}`), facts);
}

// Nothing is on its way that the ledger does not show yet: one more order goes
// through all the steps, and it is the second that the ledger has.
export async function assertNothingElseSent(page, user) {
  await page.click('#new');
  await withdraw(page, '1.23');
  await phase(page, 'succeeded');
  const { records, debits } = await ledgerOf(user);
  assert.equal(records.length, 2, 'no order but the two that were meant');
  assert.equal(records[1].amount, '1.23');
  assert.equal(debits.length, 2);
}
