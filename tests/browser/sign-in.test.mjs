// The sign-in page, and what the page does with a session of ours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertWithdrawnOnce, formIsOpen, gate, keptOf, phase, textOf, theBrowser,
  withdraw,
} from './page.mjs';
import {
  BASE_URL, LIMIT_MS, addSignIn, ledgerOf, openAccount,
} from './stack.mjs';

// A user with 100.00 and a sign-in, and a browser that nobody is signed in to.
function signInTest(name, body) {
  test(`sign-in: ${name}`, { timeout: 120_000 }, async () => {
    const user = await openAccount('100.00');
    const context = await theBrowser().newContext({ locale: 'en-US' });
    context.setDefaultTimeout(LIMIT_MS);
    try {
      const page = await context.newPage();
      await body({ user, context, page, ...addSignIn(user) });
    } finally {
      await context.close();
    }
  });
}

async function enter(page, name, password) {
  await page.fill('#name', name);
  await page.fill('#password', password);
  await page.click('#act');
}

async function signIn(page, name, password, next = '/') {
  await page.goto(`${BASE_URL}/sign-in.html?next=${encodeURIComponent(next)}`);
  await enter(page, name, password);
  await page.waitForURL(BASE_URL + next);
}

signInTest('in, a withdrawal, and out again',
  async ({ user, page, context, name, password }) => {
    await page.goto(BASE_URL);
    await phase(page, 'signed-out');
    await page.click('#sign-in');
    await page.waitForURL('**/sign-in.html?next=*');
    await enter(page, name, 'wrong');
    await page.locator('#note', { hasText: 'do not belong together' })
      .waitFor();
    assert.equal(await page.locator('#password').evaluate(
      (e) => e === document.activeElement), true, 'to be typed anew');
    await page.keyboard.type(password);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${BASE_URL}/`);
    await formIsOpen(page);
    await withdraw(page, '10');
    await assertWithdrawnOnce(page, user, '10.00', '90.00');

    // nothing that a script, or a thief of a profile's storage, could use
    const kept = await page.evaluate(() => JSON.stringify(localStorage)
      + JSON.stringify(sessionStorage) + document.cookie)
      + JSON.stringify(await keptOf(page));
    assert.match(kept, /order_id/);
    const [cookie] = await context.cookies();
    assert.doesNotMatch(kept, new RegExp(`${password}|${cookie.value}`));
    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.sameSite, 'Strict');

    await page.click('#sign-out');
    await page.waitForURL('**/sign-in.html');
    assert.deepEqual(await context.cookies(), []);
    await page.goBack();
    await phase(page, 'signed-out');
    assert.equal((await ledgerOf(user)).debits.length, 1);
  });

signInTest('it goes on where it began, and nowhere else',
  async ({ page, name, password }) => {
    await signIn(page, name, password, '/problems/busy');
    for (const next of ['//evil.example/', 'https://evil.example/',
      '/\\evil.example', 'javascript:alert(1)', 'evil.html', '']) {
      await page.goto(
        `${BASE_URL}/sign-in.html?next=${encodeURIComponent(next)}`);
      await page.locator('#session:not([hidden])').waitFor();
      assert.equal(await page.locator('#on').evaluate((e) => e.href),
        `${BASE_URL}/`, next);
    }
  });

signInTest('no path of ours leads to another host',
  async ({ page, name, password }) => {
    for (const next of ['/.//evil.example/x', '/..//evil.example/x',
      '/%2e//evil.example/x']) {
      await page.context().clearCookies();
      await page.goto(
        `${BASE_URL}/sign-in.html?next=${encodeURIComponent(next)}`);
      await enter(page, name, password);
      await page.waitForURL((url) => !url.href.includes('/sign-in.html'));
      assert.equal(new URL(page.url()).origin, BASE_URL, next);
    }
  });

signInTest('a late answer does not move the hands of who types',
  async ({ page, name, password }) => {
    const late = gate();
    await page.route('**/api/session', async (route) => {
      await late.opened;
      await route.continue();
    }, { times: 1 });
    await page.goto(`${BASE_URL}/sign-in.html`);
    await page.fill('#name', name);
    await page.focus('#password');
    await page.keyboard.type(password.slice(0, 5));
    const answered = page.waitForResponse('**/api/session');
    late.open();
    await answered;
    await page.evaluate(() => new Promise((r) => { setTimeout(r); }));
    await page.keyboard.type(password.slice(5));
    assert.equal(await page.inputValue('#password'), password);
    assert.equal(await page.inputValue('#name'), name);
  });

signInTest('an order under way goes on after it',
  async ({ user, page, context, name, password }) => {
    await signIn(page, name, password);
    await formIsOpen(page);
    // the session ends just when the order is sent
    await page.route('**/api/token', async (route) => {
      await context.clearCookies();
      await route.abort();
    }, { times: 1 });
    await withdraw(page, '10');
    await phase(page, 'sign-in');
    assert.equal((await ledgerOf(user)).records.length, 0);
    await page.click('#sign-in');
    await page.waitForURL('**/sign-in.html?next=*');
    await enter(page, name, password);
    await page.waitForURL((url) => url.pathname === '/');
    await assertWithdrawnOnce(page, user, '10.00', '90.00');
  });

signInTest('an idle tab shows nothing of who signed out in another',
  async ({ page, context, name, password }) => {
    await signIn(page, name, password);
    await formIsOpen(page);
    const second = await context.newPage();
    await second.goto(BASE_URL);
    await formIsOpen(second);
    await second.click('#sign-out');
    await second.waitForURL('**/sign-in.html');
    // the first is looked at again
    await page.evaluate(() => (
      document.dispatchEvent(new Event('visibilitychange'))));
    await phase(page, 'signed-out');
    assert.equal(await page.locator('#balance').isVisible(), false);
  });

signInTest('signing out everywhere ends other browsers too',
  async ({ page, name, password }) => {
    const other = await theBrowser().newContext();
    try {
      const there = await other.newPage();
      await signIn(there, name, password);
      await formIsOpen(there);
      await signIn(page, name, password);
      await page.goto(`${BASE_URL}/sign-in.html`);
      await page.locator('#here', { hasText: name }).waitFor();
      await page.click('#everywhere');
      await page.locator('#status', { hasText: 'signed out' }).waitFor();
      await there.reload();
      await phase(there, 'signed-out');
    } finally {
      await other.close();
    }
  });

signInTest('guessing is slowed, and it says for how long',
  async ({ page, name }) => {
    await page.goto(`${BASE_URL}/sign-in.html`);
    // each wait is twice the one before: a slow machine meets one as well
    for (let i = 0, status = 0; status !== 429; i++) {
      assert.ok(i < 15, 'it is never slowed');
      const answered = page.waitForResponse(
        (response) => response.request().method() === 'POST');
      await enter(page, name, `guess ${i}`);
      status = (await answered).status();
      assert.ok(i > 4 || status === 401, `${i}: ${status}`);
      await page.locator('#fields:enabled').waitFor();
    }
    await page.locator('#note', { hasText: /Try again in \d+ s/ }).waitFor();
    await page.click('#language');
    await page.locator('#note', { hasText: /在 \d+ 秒后/ }).waitFor();
    assert.equal(await textOf(page, 'act'), '登录');
  });
