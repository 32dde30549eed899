// The way of a withdrawal: amount, check, act, receipt, list; and coming back
// to any of it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  WITHDRAW, assertAgrees, assertWithdrawnOnce, balanceReads, formIsOpen, gate,
  pageTest, phase, shownOrder, textOf, toCheck, unavailable, withdraw,
} from './page.mjs';
import { BASE_URL, credit, ledgerOf, markPayout, openPage } from './stack.mjs';

pageTest('all of it, checked and named before it is sent',
  async ({ page, user }) => {
    assert.match(await textOf(page, 'amount-hint'),
      /From ¥0\.01 to ¥100\.00\.\s+With at most two decimals/);
    await page.click('#all');
    assert.equal(await page.inputValue('#amount'), '100.00');
    await page.click('#continue');
    await page.locator('#withdraw:enabled').waitFor();
    const facts = await textOf(page, 'check-facts');
    assert.match(facts,
      /withdraw\s+¥100\.00\s+Balance now\s+¥100\.00\s+Balance .*\s+¥0\.00/);
    assert.match(await textOf(page, 'check'), /leaves your balance at once/);
    assert.equal(await textOf(page, 'withdraw'), 'Withdraw ¥100.00');
    assert.equal((await ledgerOf(user)).records.length, 0, 'nothing yet');
    await page.click('#withdraw');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    await page.click('#new');
    assert.match(await textOf(page, 'amount-hint'), /no money to withdraw/);
  });

pageTest('the check step shows the balance of now', async ({ page, user }) => {
  await credit(user, '50');
  await toCheck(page, '120');
  assert.match(await textOf(page, 'check-facts'), /¥150\.00[^]*¥30\.00/);
  await balanceReads(page, '150.00');
});

pageTest('Back leads from the check to the amount, and from a receipt home',
  async ({ page, user }) => {
    await toCheck(page, '12.5');
    await page.goBack();
    await formIsOpen(page);
    assert.equal(await page.inputValue('#amount'), '12.5', 'it is kept');
    await page.click('#continue');
    await page.locator('#withdraw:enabled').waitFor();
    await page.click('#withdraw');
    await phase(page, 'succeeded');
    await page.goBack();
    await formIsOpen(page);
    assert.equal(await page.inputValue('#amount'), '');
    await page.goForward();
    await assertWithdrawnOnce(page, user, '12.50', '87.50');
  });

pageTest('Back while an order is under way loses nothing',
  async ({ page, user }) => {
    const sent = gate();
    const held = gate();
    await page.route(WITHDRAW, async (route) => {
      sent.open();
      await held.opened;
      await route.continue();
    }, { times: 1 });
    await withdraw(page, '30');
    await sent.opened;
    await page.goBack();
    await phase(page, 'sending');
    held.open();
    await assertWithdrawnOnce(page, user, '30.00', '70.00');
  });

pageTest('a tab that left the site and comes back goes on',
  async ({ page, user }) => {
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await withdraw(page, '30');
    await phase(page, 'checking');
    await page.goto('about:blank');
    await page.unroute(WITHDRAW);
    await page.goBack();
    await assertWithdrawnOnce(page, user, '30.00', '70.00');
  });

pageTest('another one, or the same? the same', async ({ page, user }) => {
  await withdraw(page, '10');
  await phase(page, 'succeeded');
  const first = await shownOrder(page);
  await page.click('#new');
  await toCheck(page, '10.00');
  assert.equal(await textOf(page, 'repeat-title'),
    'Another ¥10.00, or the same one?');
  assert.match(await textOf(page, 'repeat-text'), /You withdrew ¥10\.00 at /);
  assert.equal(await textOf(page, 'withdraw'), 'Withdraw another ¥10.00');
  await page.click('#repeat-link');
  await phase(page, 'succeeded');
  assert.equal(await shownOrder(page), first);
  await assertWithdrawnOnce(page, user, '10.00', '90.00');
});

pageTest('another one, or the same? another', async ({ page, user }) => {
  await withdraw(page, '10');
  await phase(page, 'succeeded');
  await page.click('#new');
  await withdraw(page, '10');
  await balanceReads(page, '80.00');
  const { debits, records } = await ledgerOf(user);
  assert.equal(debits.length, 2);
  await assertAgrees(page, records[1]);
  // a different amount is not asked about
  await page.click('#new');
  await toCheck(page, '10.01');
  assert.equal(await page.locator('#repeat').isVisible(), false);
});

pageTest('one that another browser made is asked about too',
  async ({ page, user, context }) => {
    const order = randomUUID();
    const headers = { 'Idempotency-Key': order };
    const { token } = await (await context.request.post(
      `${BASE_URL}/api/token`, { headers })).json();
    const answer = await context.request.post(`${BASE_URL}/api/withdraw`,
      { headers, data: { token, amount: '10.00' } });
    assert.equal(answer.status(), 201);
    await toCheck(page, '10');
    assert.equal(await textOf(page, 'withdraw'), 'Withdraw another ¥10.00');
    await page.click('#change');
    await formIsOpen(page);
    assert.equal((await ledgerOf(user)).debits.length, 1);
  });

pageTest('the claim asks, where the list had not been told yet',
  async ({ page, user, context }) => {
    const deaf = await context.newPage();
    await deaf.addInitScript(() => { delete globalThis.BroadcastChannel; });
    await deaf.goto(BASE_URL);
    await formIsOpen(deaf);
    await toCheck(deaf, '10');
    await withdraw(page, '10');
    await phase(page, 'succeeded');
    await deaf.click('#withdraw');
    await deaf.locator('#repeat').waitFor();
    assert.equal((await ledgerOf(user)).debits.length, 1);
    await deaf.locator('#withdraw:enabled').waitFor();
    await deaf.click('#withdraw');
    await phase(deaf, 'succeeded');
    assert.equal((await ledgerOf(user)).debits.length, 2, 'another, if meant');
  });

pageTest('a receipt has an address that lasts', async ({ page, user, context }) => {
  await withdraw(page, '25');
  await assertWithdrawnOnce(page, user, '25.00', '75.00');
  const url = page.url();
  const facts = await textOf(page, 'outcome-facts');
  await page.reload();
  await assertWithdrawnOnce(page, user, '25.00', '75.00');
  assert.equal(await textOf(page, 'outcome-facts'), facts);
  const other = await openPage(context, url);
  await phase(other, 'succeeded');
  assert.equal(await textOf(other, 'outcome-facts'), facts);
  assert.match(await other.title(), /^Withdrawn/);

  for (const wrong of [randomUUID(), 'x', '%3Cimg%20src=x%3E']) {
    await page.goto(`${BASE_URL}/?order=${wrong}`);
    await phase(page, 'unknown-order');
    assert.equal(await page.locator('#outcome img').count(), 0);
  }
  await page.click('#new');
  await formIsOpen(page);
});

pageTest('a printed receipt is the receipt alone', async ({ page }) => {
  await withdraw(page, '25');
  await phase(page, 'succeeded');
  await page.evaluate(() => {
    globalThis.print = () => { globalThis.printed = true; };
  });
  await page.click('#print');
  assert.equal(await page.evaluate(() => globalThis.printed), true);
  await page.emulateMedia({ media: 'print' });
  for (const id of ['outcome-title', 'outcome-sum', 'outcome-facts']) {
    assert.ok(await page.locator(`#${id}`).isVisible(), id);
  }
  for (const id of ['account', 'history', 'new', 'print', 'language', 'footer']) {
    assert.equal(await page.locator(`#${id}`).isVisible(), false, id);
  }
});

pageTest('a receipt of one while another is under way says so',
  async ({ page, user }) => {
    await withdraw(page, '25');
    await phase(page, 'succeeded');
    const receipt = page.url();
    await page.click('#new');
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await withdraw(page, '30');
    await phase(page, 'checking');
    await page.goto(receipt);
    await phase(page, 'succeeded');
    await page.locator('#under-way', { hasText: 'no final answer yet' })
      .waitFor();
    await page.unroute(WITHDRAW);
    await page.click('#under-way a');
    await balanceReads(page, '45.00');
    assert.equal((await ledgerOf(user)).debits.length, 2);
  });

pageTest('the payout is followed, modestly', async ({ page, user }) => {
  await page.clock.install();
  await page.reload();
  await formIsOpen(page);
  // it looks every 15 s
  const notYet = await page.evaluate(() => Date.now()) + 14_900;
  await withdraw(page, '25');
  await phase(page, 'succeeded');
  await balanceReads(page, '75.00');
  await page.locator('#history-rows li[data-state="due"]').waitFor();
  assert.match(await textOf(page, 'outcome-track'), /On its way to you\s+now/);
  const order = await shownOrder(page);

  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes(order)) asked++;
  });
  await page.clock.pauseAt(notYet);
  await allIsSent(page);
  assert.equal(asked, 0, 'not at once');
  await page.clock.resume();
  await markPayout(order, 'paid', 'BANK-42');
  await page.clock.fastForward(10_000);
  await page.locator('#outcome[data-payout="paid"]').waitFor();
  assert.equal(await textOf(page, 'outcome-title'), 'Paid out');
  assert.match(await textOf(page, 'outcome-facts'), /BANK-42/);
  await page.locator('#history-rows li[data-state="paid"]').waitFor();
  const before = asked;
  await page.clock.fastForward(3_600_000);
  await allIsSent(page);
  assert.equal(asked, before, 'nothing is due any more');
  assert.equal((await ledgerOf(user)).records[0].payout_state, 'paid');
});

pageTest('money that came back is in the balance again', async ({ page, user }) => {
  const asked = []; // on behalf of whom
  page.on('request', (request) => {
    if (request.url().includes('/api/')) {
      asked.push(request.headers()['withdraw-background'] ? 'page' : 'user');
    }
  });
  await page.clock.install();
  await page.reload();
  await formIsOpen(page);
  await withdraw(page, '25');
  await balanceReads(page, '75.00');
  await phase(page, 'succeeded');
  await page.locator('#history-rows li[data-state="due"]').waitFor();
  await allIsSent(page);
  assert.deepEqual([...new Set(asked.splice(0))], ['user']);
  await markPayout(await shownOrder(page), 'returned', 'NO-SUCH-ACCOUNT');
  await page.clock.fastForward(20_000);
  await page.locator('#outcome[data-payout="returned"]').waitFor();
  await balanceReads(page, '100.00');
  assert.match(await textOf(page, 'outcome-text'), /in your balance again/);
  // nobody is at it: the order, the list and the balance
  assert.deepEqual(asked, ['page', 'page', 'page']);
  assert.equal((await ledgerOf(user)).balance, '100.00');
});

pageTest('a hidden tab does not ask', async ({ page }) => {
  await page.clock.install();
  await page.reload();
  await formIsOpen(page);
  await withdraw(page, '25');
  await balanceReads(page, '75.00');
  await page.locator('#history-rows li[data-state="due"]').waitFor();
  await setVisibility(page, 'hidden');
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/')) asked++;
  });
  await page.clock.fastForward(3_600_000);
  await allIsSent(page);
  assert.equal(asked, 0);
  const looked = page.waitForRequest(/api\/withdrawals\//);
  await setVisibility(page, 'visible');
  await page.clock.fastForward(1000);
  await looked;
});

pageTest('the list has every attempt, and older ones on demand',
  async ({ page, user, context }) => {
    const api = context.request;
    for (let i = 1; i <= 23; i++) {
      const order = randomUUID();
      if (i % 5 === 0) {
        await api.post(`${BASE_URL}/api/withdrawals/${order}/void`);
        continue;
      }
      const data = { amount: i % 7 === 0 ? '1000.00' : `${i}.00` };
      const headers = { 'Idempotency-Key': order };
      ({ token: data.token } = await (await api.post(`${BASE_URL}/api/token`,
        { headers })).json());
      await api.post(`${BASE_URL}/api/withdraw`, { headers, data });
    }
    await page.reload();
    const rows = page.locator('#history-rows li');
    for (const count of [10, 20, 23]) {
      await rows.nth(count - 1).waitFor();
      assert.equal(await rows.count(), count);
      if (count < 23) await page.click('#more');
    }
    await page.locator('#more').waitFor({ state: 'hidden' });
    // the focus is where the list went on
    assert.equal(await page.evaluate(() => document.activeElement
      .closest('li').dataset.order),
    await rows.nth(20).getAttribute('data-order'));
    const { records } = await ledgerOf(user);
    const states = { 1: 'due', 2: 'declined', 3: 'void' };
    assert.deepEqual(
      await rows.evaluateAll((all) => all.map((e) => (
        [e.dataset.order, e.dataset.state]))),
      records.reverse().map((r) => [r.order_id, states[r.status]]));
    await rows.nth(12).locator('a').click();
    await phase(page, 'succeeded', 'declined', 'void');
    await assertAgrees(page, records[12]);
  }, { balance: '500.00' });

// What the page has asked for by now has been seen: one more is, after it.
async function allIsSent(page) {
  const sent = page.waitForRequest('**/icon.svg?last');
  await page.evaluate(() => fetch('/icon.svg?last'));
  await sent;
}

async function setVisibility(page, state) {
  await page.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState',
      { configurable: true, get: () => value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
}
