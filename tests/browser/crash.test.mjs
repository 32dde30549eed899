// What a browser may do to a page: let it crash, be killed itself, put it away
// whole and bring it back as it was.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  WITHDRAW, assertWithdrawnOnce, balanceReads, formIsOpen, gate, pageTest,
  pendingOrder, phase, shownOrder, withdraw,
} from './page.mjs';
import {
  BASE_URL, addSignIn, basic, credit, launchProfile, ledgerOf, openAccount,
} from './stack.mjs';

pageTest('after a crash of the tab the same order goes on',
  async ({ page, user, context }) => {
    const sent = gate();
    await page.route(WITHDRAW, () => sent.open(), { times: 1 });
    await withdraw(page, '100');
    await sent.opened;
    const order = await pendingOrder(page, user);
    const crashed = new Promise((resolve) => { page.once('crash', resolve); });
    page.goto('chrome://crash').catch(() => {}); // never ends
    await crashed;
    const next = await context.newPage();
    await next.goto(BASE_URL);
    await assertWithdrawnOnce(next, user, '100.00', '0.00');
    assert.equal(await shownOrder(next), order.order_id, 'the same order');
  });

// A profile of its own in which test after test may start the browser.
function profileTest(name, body, options = {}) {
  test(name, { timeout: 120_000 }, async () => {
    const user = await openAccount('100.00');
    const profile = await mkdtemp(join(tmpdir(), 'withdraw-profile.'));
    const open = [];
    try {
      await body({
        user, profile,
        async start(more = {}) {
          const context = await launchProfile(profile,
            { locale: 'en-US', ...options, ...more });
          open.push(context);
          return context;
        },
      });
    } finally {
      for (const context of open) await context.close().catch(() => {});
      await rm(profile, { recursive: true, force: true, maxRetries: 9 });
    }
  });
}

// The browser of a profile: of its processes, the one that is no helper.
function browserOf(profile) {
  const found = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes(`--user-data-dir=${profile}`)
          && !words.some((word) => word.startsWith('--type='));
      } catch {
        return false; // it has ended
      }
    });
  assert.equal(found.length, 1, 'one browser');
  return Number(found[0]);
}

profileTest('after the browser was killed the same order goes on',
  async ({ user, profile, start }) => {
    const headers = { extraHTTPHeaders: basic(user) };
    const context = await start(headers);
    const page = await context.newPage();
    await page.goto(BASE_URL);
    await formIsOpen(page);
    const committed = gate();
    await page.route(WITHDRAW, async (route) => {
      await route.fetch();
      committed.open(); // and the answer never comes
    }, { times: 1 });
    await withdraw(page, '10');
    await committed.opened;
    const order = await shownOrder(page);
    const closed = new Promise((resolve) => { context.once('close', resolve); });
    process.kill(browserOf(profile), 'SIGKILL');
    await closed;

    const next = await (await start(headers)).newPage();
    await next.goto(BASE_URL);
    await assertWithdrawnOnce(next, user, '10.00', '90.00');
    assert.equal(await shownOrder(next), order, 'the same order');
  });

const RESTORES = { ignoreDefaultArgs: ['--disable-back-forward-cache'] };

// Away to another page and back, to the very page that was left.
async function awayAndBack(page, meanwhile) {
  await page.evaluate(() => { globalThis.untouched = true; });
  await page.goto(`${BASE_URL}/problems.html`);
  await meanwhile();
  await page.goBack({ waitUntil: 'commit' });
}

async function isRestored(page) {
  return page.evaluate(() => globalThis.untouched === true);
}

profileTest('a page that is restored whole shows what is true now',
  async ({ user, start }) => {
    const context = await start({ extraHTTPHeaders: basic(user) });
    const page = await context.newPage();
    await page.goto(BASE_URL);
    await formIsOpen(page);
    await balanceReads(page, '100.00');
    await awayAndBack(page, () => credit(user, '50'));
    await balanceReads(page, '150.00');
    assert.equal(await isRestored(page), true, 'it was restored whole');
    await withdraw(page, '150');
    await assertWithdrawnOnce(page, user, '150.00', '0.00');
  }, RESTORES);

profileTest('a page that is restored whole shows nothing of who signed out',
  async ({ user, start }) => {
    const { name, password } = addSignIn(user);
    const context = await start();
    const page = await context.newPage();
    await page.goto(`${BASE_URL}/sign-in.html`);
    await page.fill('#name', name);
    await page.fill('#password', password);
    await page.click('#act');
    await page.waitForURL(`${BASE_URL}/`);
    await formIsOpen(page);
    // the session ends while the page is away
    await awayAndBack(page, () => context.clearCookies());
    await phase(page, 'signed-out');
    assert.equal(await page.locator('#balance').isVisible(), false);

    await page.goto(`${BASE_URL}/sign-in.html`);
    await page.fill('#name', name);
    await page.fill('#password', password);
    await page.click('#act');
    await page.waitForURL(`${BASE_URL}/`);
    await formIsOpen(page);
    await page.click('#sign-out');
    await page.waitForURL('**/sign-in.html');
    // no answer could make it forget: it has forgotten already
    await context.setOffline(true);
    await page.goBack({ waitUntil: 'commit' });
    await phase(page, 'signed-out');
    assert.equal(await page.locator('#balance').isVisible(), false);
    assert.doesNotMatch(await page.locator('body').innerText(), /100\.00/);
    assert.equal((await ledgerOf(user)).records.length, 0);
  }, RESTORES);
