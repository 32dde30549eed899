// Two tabs, two windows: one order, and they agree on what they show.

import assert from 'node:assert/strict';
import { assertClaimsAgree } from './claims.mjs';
import {
  VOID_CALL, WITHDRAW, assertAgrees, assertWithdrawnOnce, balanceReads, formIsOpen,
  gate, pageTest, phase, shownOrder, textOf, toCheck, unavailable, withdraw,
} from './page.mjs';
import { SUCCEEDED, VOID, ledgerOf, openPage } from './stack.mjs';

const HELD = { times: 1 };

// Holds the first withdrawal of a page back.
async function holdBack(page) {
  const held = gate();
  const sent = gate();
  await page.route(WITHDRAW, async (route) => {
    sent.open();
    await held.opened;
    await route.continue();
  }, HELD);
  return { held, sent };
}

pageTest('an order of one tab is shown by the other, which sends none',
  async ({ page, context, user }) => {
    const second = await openPage(context);
    await formIsOpen(second);
    await toCheck(second, '40');
    const { held, sent } = await holdBack(page);
    await withdraw(page, '60');
    await sent.opened;
    // it brings the same order about, should the first be asleep
    await phase(second, 'succeeded');
    assert.match(await textOf(second, 'outcome-notice'),
      /made in another tab or window/);
    held.open();
    await assertWithdrawnOnce(page, user, '60.00', '40.00');
    assert.equal(await shownOrder(second), await shownOrder(page));
    await balanceReads(second, '40.00');
  });

pageTest('tabs that do not hear each other still share one order',
  async ({ page, context, user }) => {
    const second = await context.newPage();
    await second.addInitScript(() => { delete globalThis.BroadcastChannel; });
    await second.goto(page.url());
    await formIsOpen(second);
    await toCheck(second, '40');
    const { held, sent } = await holdBack(page);
    await withdraw(page, '60');
    await sent.opened;
    await second.click('#withdraw');
    await phase(second, 'succeeded');
    assert.match(await textOf(second, 'outcome-notice'),
      /the ¥40\.00 were not sent/);
    held.open();
    await assertWithdrawnOnce(page, user, '60.00', '40.00');
    assert.equal(await shownOrder(second), await shownOrder(page));
  });

pageTest('of tabs that claim at the same instant one finds the other\'s order',
  async ({ page, context }) => (
    assertClaimsAgree([page, await openPage(context)])));

pageTest('who acted before an order had its answer is led to it',
  async ({ page }) => {
    const claims = await page.evaluate(async () => {
      const { PendingOrder } = await import('/order.js');
      const { Store } = await import('/store.js');
      const pending = new PendingOrder('1', new Store());
      const act = Date.now();
      const { order } = await pending.claim('60.00', [], act);
      await pending.settle({ ...order, status: 'succeeded' });
      const now = Date.now();
      const found = [order, await pending.claim('40.00', [], act),
        await pending.claim('60.00', [], now + 1)];
      // a clock that was ahead when it succeeded
      Date.now = () => now - 3_600_000;
      found.push(await pending.claim('40.00', [], Date.now()));
      return found;
    });
    const [order, before, like, after] = claims;
    assert.equal(before.joined, true);
    assert.equal(before.order.order_id, order.order_id);
    assert.equal(like.repeat.order_id, order.order_id, 'it is asked about');
    assert.equal(after.joined, false);
    assert.notEqual(after.order.order_id, order.order_id);
  });

pageTest('both tabs click at the same instant', async ({ page, context, user }) => {
  const second = await openPage(context);
  await formIsOpen(second);
  await toCheck(page, '60');
  await toCheck(second, '60');
  // no answer before both have clicked
  const calls = await Promise.all([page, second].map(holdBack));
  await Promise.all([page, second].map((p) => (
    p.evaluate(() => document.getElementById('withdraw').click()))));
  calls.forEach(({ held }) => held.open());
  await phase(second, 'succeeded');
  await assertWithdrawnOnce(page, user, '60.00', '140.00');
  assert.equal(await shownOrder(second), await shownOrder(page));
}, { balance: '200.00' });

pageTest('a tab that has just been told of an equal one asks first',
  async ({ page, context, user }) => {
    const second = await openPage(context);
    await formIsOpen(second);
    await toCheck(second, '10');
    await withdraw(page, '10');
    await phase(page, 'succeeded');
    // one that comes back to its check step while the other has ended
    await second.waitForFunction(() => (
      document.getElementById('outcome').dataset.phase === 'succeeded'
      || !document.getElementById('repeat').hidden));
    await assertWithdrawnOnce(page, user, '10.00', '90.00');
  });

pageTest('Stop in one tab stops the order of both',
  async ({ page, context, user }) => {
    const second = await openPage(context);
    await formIsOpen(second);
    for (const each of [page, second]) {
      await each.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    }
    await withdraw(page, '60');
    await phase(page, 'checking');
    await phase(second, 'checking');
    // the first closes it by itself, and tells the second
    await second.route(VOID_CALL, (route) => route.fulfill(unavailable(3600)));
    await second.click('#stop');
    await phase(page, 'void');
    await phase(second, 'void');
    const { balance, records } = await ledgerOf(user);
    assert.equal(balance, '100.00');
    assert.deepEqual(records.map((r) => r.status), [VOID]);
    await assertAgrees(page, records[0]);
    await assertAgrees(second, records[0]);
  });

pageTest('an answer that one tab has is shown by the one that waits',
  async ({ page, context, user }) => {
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await withdraw(page, '60');
    await phase(page, 'checking');
    const second = await openPage(context);
    await phase(second, 'succeeded');
    await assertWithdrawnOnce(page, user, '60.00', '40.00');
    const { records } = await ledgerOf(user);
    assert.equal(records[0].status, SUCCEEDED);
    await assertAgrees(second, records[0]);
  });

pageTest('balance and list of an idle tab follow the other',
  async ({ page, context, user }) => {
    const second = await openPage(context);
    await formIsOpen(second);
    await page.locator('#history-note', { hasText: 'none yet' }).waitFor();
    await second.evaluate(() => { globalThis.untouched = true; });
    await withdraw(second, '60');
    await phase(second, 'succeeded');
    await phase(page, 'succeeded');
    await balanceReads(page, '40.00');
    await page.locator('#history-rows li[data-state="due"]').waitFor();
    await assertWithdrawnOnce(second, user, '60.00', '40.00');
  });
