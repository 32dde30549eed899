// A test of the page: one user, one signed-in profile, one page that is ready;
// and what the tests ask and say about it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  SUCCEEDED, launchBrowser, ledgerOf, openPage, signIn,
} from './stack.mjs';

export const WITHDRAW = '**/api/withdraw';

let browser;
before(async () => { browser = await launchBrowser(); });
after(async () => { await browser?.close(); });

// A test of one user with 100.00 and a page that is ready.
export function pageTest(name, body) {
  test(name, { timeout: 60_000 }, async () => {
    const { user, context } = await signIn(browser, '100.00');
    try {
      const page = await openPage(context);
      await formIsOpen(page);
      await body({ user, context, page });
    } finally {
      await context.close();
    }
  });
}

export async function formIsOpen(page) {
  await page.locator('#fields:enabled').waitFor();
}

// Wait for the outcome card to be in one of the phases; says which.
export async function phase(page, ...phases) {
  const wanted = phases.map((p) => `#outcome[data-phase="${p}"]`).join();
  await page.locator(wanted).waitFor();
  return page.locator('#outcome').getAttribute('data-phase');
}

export async function balanceReads(page, text) {
  await page.locator('#balance', { hasText: new RegExp(`^${text} `) })
    .waitFor();
}

// The order number that the page shows, which must be one of the ledger's.
export async function shownOrder(page) {
  return page.locator('#outcome-facts dd', { hasText: /^[0-9a-f-]{36}$/ })
    .innerText();
}

export async function pendingOrder(page, user) {
  return page.evaluate((key) => JSON.parse(localStorage.getItem(key)),
    `withdraw.pending.${user}`);
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
  assert.equal(await shownOrder(page), records[0].order_id);
  const facts = await page.locator('#outcome-facts').innerText();
  assert.match(facts, new RegExp(`${amount} CNY`));
  assert.match(facts, new RegExp(`${records[0].balance_after} CNY`));
  assert.equal(await page.locator('#outcome-title').innerText(), 'Withdrawn');
  assert.equal(await pendingOrder(page, user), null, 'nothing is pending');
}

// Nothing is on its way that the ledger does not show yet: one more order goes
// through all the steps, and it is the second that the ledger has.
export async function assertNothingElseSent(page, user) {
  await page.click('#new');
  await page.fill('#amount', '1.23');
  await page.click('#withdraw');
  await phase(page, 'succeeded');
  const { records, debits } = await ledgerOf(user);
  assert.equal(records.length, 2, 'no order but the two that were meant');
  assert.equal(records[1].amount, '1.23');
  assert.equal(debits.length, 2);
}
