// The core of it in Firefox, which resends and stores in ways of its own:
// driven over WebDriver BiDi, as Debian's Firefox is.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import puppeteer from 'puppeteer-core';
import { assertClaimsAgree } from './claims.mjs';
import { startProxy } from './proxy.mjs';
import {
  BASE_URL, LIMIT_MS, SUCCEEDED, VOID, basic, ledgerOf, openAccount,
} from './stack.mjs';

let browser;
before(async () => {
  browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    timeout: 120_000,
    protocolTimeout: 120_000,
  });
});
after(async () => { await browser?.close(); });

// A test of one user with 100.00, in a profile of its own; plan is a proxy's.
function firefoxTest(name, body, plan) {
  test(`Firefox: ${name}`, { timeout: 180_000 }, async () => {
    const user = await openAccount('100.00');
    const context = await browser.createBrowserContext();
    const proxy = plan ? await startProxy({ plan }) : null;
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(LIMIT_MS);
      await page.setExtraHTTPHeaders(basic(user));
      await page.goto(proxy?.url ?? BASE_URL);
      await page.waitForSelector('#fields:enabled');
      await body({ page, user, context, proxy });
    } finally {
      await context.close();
      await proxy?.close();
    }
  });
}

async function toCheck(page, amount) {
  await page.type('#amount', amount);
  await page.click('#continue');
  await page.waitForSelector('#withdraw:not(:disabled)', { visible: true });
}

async function assertOnce(page, user, amount, balance) {
  await page.waitForSelector('#outcome[data-phase="succeeded"]');
  await page.waitForFunction((text) => (
    document.getElementById('balance').textContent === text), {}, `¥${balance}`);
  const { records, debits, ...ledger } = await ledgerOf(user);
  assert.deepEqual(records.map((r) => [r.status, r.amount]),
    [[SUCCEEDED, amount]]);
  assert.equal(debits.length, 1);
  assert.equal(ledger.balance, balance);
  const facts = await page.$eval('#outcome-facts', (e) => e.textContent);
  assert.ok(facts.includes(records[0].order_id), facts);
  assert.ok(page.url().endsWith(records[0].order_id));
}

firefoxTest('a double click withdraws once', async ({ page, user }) => {
  await toCheck(page, '60');
  await page.click('#withdraw', { count: 2 });
  await assertOnce(page, user, '60.00', '40.00');
  await page.reload();
  await assertOnce(page, user, '60.00', '40.00');
});

let cut = 0;
firefoxTest('an answer that is cut off is asked for again',
  async ({ page, user, proxy }) => {
    await toCheck(page, '100');
    await page.click('#withdraw');
    await assertOnce(page, user, '100.00', '0.00');
    assert.equal(cut, 2);
    assert.equal(new Set(proxy.seen.filter((r) => r.path === '/api/withdraw')
      .map((r) => r.key)).size, 1, 'one order');
  }, ({ path }) => (
    path === '/api/withdraw' && cut < 2 ? { cut: 100 * cut++ } : undefined));

let held = false;
firefoxTest('a reload finds the order', async ({ page, user }) => {
  await toCheck(page, '100');
  await page.click('#withdraw');
  await page.waitForFunction(async (key) => {
    const { Store } = await import('/store.js');
    const { pending } = await new Store().change(key, (kept) => kept);
    return pending?.length > 0;
  }, {}, `orders.${user}`);
  await page.reload();
  await assertOnce(page, user, '100.00', '0.00');
}, ({ path }) => {
  if (path !== '/api/withdraw' || held) return undefined;
  held = true;
  return { held: new Promise(() => {}) };
});

firefoxTest('of tabs that claim at the same instant one finds the other\'s order',
  async ({ page, user, context }) => {
    const second = await context.newPage();
    await second.setExtraHTTPHeaders(basic(user));
    await second.goto(BASE_URL);
    await assertClaimsAgree([page, second]);
  });

firefoxTest('a second tab shows the order, and Stop ends it in both',
  async ({ page, user, context, proxy }) => {
    const second = await context.newPage();
    await second.setExtraHTTPHeaders(basic(user));
    await second.goto(proxy.url);
    await second.waitForSelector('#fields:enabled');
    await toCheck(page, '100');
    await page.click('#withdraw');
    for (const each of [page, second]) {
      await each.waitForSelector('#outcome[data-phase="checking"]');
    }
    await second.waitForSelector('#stop', { visible: true });
    await second.click('#stop');
    for (const each of [page, second]) {
      await each.waitForSelector('#outcome[data-phase="void"]');
    }
    const { records, balance } = await ledgerOf(user);
    assert.deepEqual(records.map((r) => r.status), [VOID]);
    assert.equal(balance, '100.00');
  }, ({ path }) => (path === '/api/token' ? { refuse: true } : undefined));
