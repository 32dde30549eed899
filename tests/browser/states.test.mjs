// Everyone can use it, in each state on the way to an answer.

import { stateTest } from './examine.mjs';
import {
  VOID_CALL, WITHDRAW, phase, toCheck, unavailable, withdraw,
} from './page.mjs';
import { BASE_URL, addSignIn } from './stack.mjs';

stateTest('ready', async () => {});

stateTest('nothing to withdraw', async ({ page }) => {
  await page.locator('#all:disabled').waitFor();
}, { balance: '0' });

stateTest('amount refused', async ({ page }) => {
  await page.fill('#amount', '100.01');
  await page.click('#continue');
  await page.locator('#amount-error', { hasText: 'more than' }).waitFor();
});

stateTest('check', ({ page }) => toCheck(page, '100'));

stateTest('another or the same', async ({ page }) => {
  await withdraw(page, '10');
  await phase(page, 'succeeded');
  await page.click('#new');
  await toCheck(page, '10');
});

stateTest('sending', async ({ page }) => {
  await page.route(WITHDRAW, () => {}, { times: 1 });
  await withdraw(page, '100');
  await phase(page, 'sending');
});

stateTest('checking', async ({ page }) => {
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await withdraw(page, '100');
  await phase(page, 'checking');
});

stateTest('offline', async ({ page, context }) => {
  await toCheck(page, '100');
  await context.setOffline(true);
  await page.click('#withdraw');
  await phase(page, 'checking');
});

stateTest('stopping', async ({ page }) => {
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await page.route(VOID_CALL, (route) => route.fulfill(unavailable(60)));
  await withdraw(page, '100');
  await phase(page, 'checking');
  await page.click('#stop');
  await phase(page, 'stopping');
});

stateTest('done', async ({ page }) => {
  await withdraw(page, '60');
  await phase(page, 'succeeded');
  await page.locator('#history-rows li[data-state="due"]').waitFor();
});

stateTest('sign-in', async ({ page }) => {
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.locator('#form:not([hidden])').waitFor();
});

stateTest('sign-in, refused', async ({ page }) => {
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.click('#act');
  await page.locator('#note', { hasText: /./ }).waitFor();
});

stateTest('sign-in, slowed', async ({ page }) => {
  await page.route('**/api/session', (route) => route.fulfill({
    status: 429,
    contentType: 'application/problem+json',
    headers: { 'Retry-After': '240' },
    body: '{"type":"/problems/too-many-sign-ins"}',
  }));
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.fill('#name', 'alice');
  await page.fill('#password', 'a guess');
  await page.click('#act');
  await page.locator('#note', { hasText: '240' }).waitFor();
});

stateTest('sign-in, signed in', async ({ page, user }) => {
  const { name, password } = addSignIn(user);
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.fill('#name', name);
  await page.fill('#password', password);
  await page.click('#act');
  await page.waitForURL(`${BASE_URL}/`);
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.locator('#session:not([hidden])').waitFor();
});
