// A browser that keeps no data for the site, and one that has no room: the page
// says so and works, and a reload still finds the order.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  VOID_CALL, WITHDRAW, assertAgrees, assertWithdrawnOnce, balanceReads,
  closingIsKept, formIsOpen, gate, pageTest, pendingOrder, phase, shownOrder, toCheck,
  unavailable, withdraw,
} from './page.mjs';
import {
  BASE_URL, SUCCEEDED, basic, launchProfile, ledgerOf, openAccount, openPage,
} from './stack.mjs';

// Chromium with "block all cookies", which blocks all storage.
function blockedTest(name, body) {
  test(name, { timeout: 120_000 }, async () => {
    const user = await openAccount('100.00');
    const profile = await mkdtemp(join(tmpdir(), 'withdraw-profile.'));
    await mkdir(join(profile, 'Default'));
    await writeFile(join(profile, 'Default', 'Preferences'), JSON.stringify({
      profile: { default_content_setting_values: { cookies: 2 } },
    }));
    const context = await launchProfile(profile,
      { extraHTTPHeaders: basic(user), locale: 'en-US' });
    try {
      const page = await openPage(context);
      await formIsOpen(page);
      assert.equal(await page.evaluate(() => {
        try {
          return String(localStorage);
        } catch (error) {
          return error.name;
        }
      }), 'SecurityError', 'storage is blocked indeed');
      await page.locator('#storage', { hasText: 'keeps no data' }).waitFor();
      await body({ page, user, context });
    } finally {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    }
  });
}

async function assertOneSuccess(page, user, balance) {
  await phase(page, 'succeeded');
  await balanceReads(page, balance);
  const { records, debits } = await ledgerOf(user);
  assert.deepEqual(records.map((r) => r.status), [SUCCEEDED]);
  assert.equal(debits.length, 1);
  await assertAgrees(page, records[0]);
}

blockedTest('without storage it is withdrawn once', async ({ page, user }) => {
  await withdraw(page, '60');
  await assertOneSuccess(page, user, '40.00');
  await page.click('#new');
  await page.fill('#amount', '60');
  await page.click('#continue');
  await page.locator('#amount-error', { hasText: 'more than your balance' })
    .waitFor();
});

blockedTest('without storage a reload finds the order', async ({ page, user }) => {
  const order = await untilChecking(page);
  // the browser asks whether to leave, since only this tab knows the order
  const asked = gate();
  page.once('dialog', (dialog) => {
    asked.open(dialog.type());
    return dialog.accept();
  });
  await page.reload();
  assert.equal(await asked.opened, 'beforeunload');
  await assertOneSuccess(page, user, '40.00');
  assert.equal(await shownOrder(page), order, 'the same order');
});

blockedTest('without storage the list still asks about an equal one',
  async ({ page, user }) => {
    await withdraw(page, '10');
    await assertOneSuccess(page, user, '90.00');
    await page.click('#new');
    await page.fill('#amount', '10');
    await page.click('#continue');
    await page.locator('#repeat').waitFor();
  });

// Up to an order that has no answer yet, sent or not; returns its number.
async function untilChecking(page) {
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
  await withdraw(page, '60');
  await phase(page, 'checking');
  await page.unroute(WITHDRAW);
  return shownOrder(page);
}

async function leaveAsAsked(page) {
  page.once('dialog', (dialog) => dialog.accept());
  await page.reload();
}

const KEEPS_NONE = { hasText: 'keeps no data' };

// Runs in the page. Whatever is written is taken back when it is committed, as
// it is where there is no room.
function leaveNoRoom() {
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function putInVain(...args) {
    const request = put.apply(this, args);
    this.transaction.abort();
    return request;
  };
}

pageTest('a storage without room is like none',
  async ({ page, user }) => {
    await page.addInitScript(leaveNoRoom);
    await page.reload();
    await formIsOpen(page);
    const order = await untilChecking(page);
    await page.locator('#storage', KEEPS_NONE).waitFor();
    await leaveAsAsked(page);
    await assertOneSuccess(page, user, '40.00');
    assert.equal(await shownOrder(page), order, 'the same order');
  });

pageTest('an order that found no room is known when there is some again',
  async ({ page, user }) => {
    await withdraw(page, '10');
    await assertWithdrawnOnce(page, user, '10.00', '90.00');
    await page.click('#new');
    await page.evaluate(leaveNoRoom);
    const order = await untilChecking(page);
    await page.locator('#storage', KEEPS_NONE).waitFor();
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await leaveAsAsked(page);
    await phase(page, 'checking');
    assert.equal(await shownOrder(page), order, 'the same order');
    assert.equal(await page.locator('#storage').isVisible(), false);
    await page.unroute(WITHDRAW);
    await page.reload();
    await phase(page, 'succeeded');
    await balanceReads(page, '30.00');
    assert.equal(await shownOrder(page), order, 'still the same');
    const { records } = await ledgerOf(user);
    assert.equal(records.length, 2);
    await assertAgrees(page, records[1]);
  });

pageTest('tabs without room tell each other what they have made',
  async ({ page, user, context }) => {
    await context.addInitScript(leaveNoRoom);
    await page.reload();
    const second = await openPage(context);
    for (const each of [page, second]) {
      await formIsOpen(each);
      await each.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    }
    await toCheck(second, '60');
    await withdraw(page, '60');
    await phase(page, 'checking');
    await phase(second, 'checking');
    assert.equal(await shownOrder(second), await shownOrder(page));
    for (const each of [page, second]) {
      await each.unroute(WITHDRAW);
      await each.evaluate(() => dispatchEvent(new Event('online')));
    }
    await assertOneSuccess(page, user, '40.00');
    await assertOneSuccess(second, user, '40.00');
  });

pageTest('what one tab alone knew is joined to what is kept',
  async ({ page }) => {
    const joined = await page.evaluate(async () => {
      const { PendingOrder } = await import('/order.js');
      const { Store } = await import('/store.js');
      const order = (closing) => (
        { order_id: crypto.randomUUID(), amount: '1.00', closing });
      const last = (at) => ({ ...order(false), at });
      const both = order(false);
      const [alone, elsewhere] = [order(false), order(false)];
      await new Store().change('orders.1', () => (
        { pending: [elsewhere, both], last: last(1) }));
      history.replaceState({
        'orders.1': { pending: [{ ...both, closing: true }, alone],
          last: last(2) },
        'orders.2': { pending: [alone] },
      }, '');
      const pending = new PendingOrder('1', new Store());
      const first = await pending.read();
      const entry = history.state;
      const kept = await new Store().change('orders.1', (now) => now);
      return {
        kept, entry, first, elsewhere, alone,
        closing: await pending.isClosing(both.order_id),
      };
    });
    assert.deepEqual(joined.first, joined.elsewhere, 'one after another');
    assert.deepEqual(joined.kept.pending.map((o) => o.order_id).slice(-1),
      [joined.alone.order_id]);
    assert.equal(joined.kept.pending.length, 3);
    assert.equal(joined.closing, true, 'given up in one is given up');
    assert.equal(joined.kept.last.at, 2, 'the later one');
    assert.deepEqual(joined.entry, { 'orders.2': { pending: [joined.alone] } },
      'another user has their own');
  });

// One tab that can keep nothing, and one that can and shows a receipt, to which
// the order of the first is told.
async function oneOfTwoWithoutRoom(page, context, user) {
  const second = await openPage(context);
  await withdraw(second, '10');
  await assertWithdrawnOnce(second, user, '10.00', '90.00');
  await page.goto(BASE_URL); // it may show what it was told of
  await formIsOpen(page);
  await page.evaluate(leaveNoRoom);
  const order = await untilChecking(page);
  await second.locator('#under-way').waitFor();
  assert.equal((await pendingOrder(second, user)).order_id, order);
  return { second, order };
}

pageTest('an order that one tab stopped is sent by no other',
  async ({ page, user, context }) => {
    const { second, order } = await oneOfTwoWithoutRoom(page, context, user);
    await page.route(VOID_CALL, (route) => route.fulfill(unavailable(3600)));
    await page.click('#stop');
    await phase(page, 'stopping');
    await closingIsKept(second, user);
    await page.close({ runBeforeUnload: false });
    await second.goto(BASE_URL);
    await phase(second, 'void');
    assert.equal(await shownOrder(second), order);
    assert.equal((await ledgerOf(user)).balance, '90.00');
  });

pageTest('an answer that one tab has settles what another was told',
  async ({ page, user, context }) => {
    const { second, order } = await oneOfTwoWithoutRoom(page, context, user);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await phase(page, 'succeeded');
    assert.equal(await shownOrder(page), order);
    await second.locator('#under-way').waitFor({ state: 'hidden' });
    assert.equal(await pendingOrder(second, user), null);
    await balanceReads(second, '30.00');
  });

pageTest('a change that does not end is given up',
  async ({ page, user }) => {
    await page.clock.install();
    await page.reload();
    await formIsOpen(page);
    await page.evaluate(() => {
      globalThis.begun = 0;
      // a transaction that others have to wait for, of another tab perhaps
      indexedDB.open('withdraw.page').onsuccess = ({ target }) => {
        const all = target.result.transaction('kept', 'readwrite')
          .objectStore('kept');
        const goOn = () => { all.get('x').onsuccess = goOn; };
        goOn();
        globalThis.held = true;
      };
      const { transaction } = IDBDatabase.prototype;
      IDBDatabase.prototype.transaction = function counted(...args) {
        globalThis.begun++;
        return transaction.apply(this, args);
      };
    });
    await page.waitForFunction(() => globalThis.held);
    await page.evaluate(() => { globalThis.begun = 0; });
    await page.fill('#amount', '60');
    await page.click('#continue');
    for (let tries = 1; tries <= 2; tries++) {
      await page.waitForFunction((n) => globalThis.begun >= n, tries);
      await page.clock.fastForward(10_000);
    }
    await page.locator('#withdraw:enabled').waitFor();
    await page.click('#withdraw');
    await assertOneSuccess(page, user, '40.00');
    await page.locator('#storage', KEEPS_NONE).waitFor();
  });

pageTest('a database that does not open is like none',
  async ({ page, user }) => {
    await page.clock.install();
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        globalThis.asked = true;
        return {};
      };
    });
    await page.reload();
    await page.waitForFunction(() => globalThis.asked);
    await page.clock.fastForward(10_000);
    await page.locator('#storage', KEEPS_NONE).waitFor();
    await withdraw(page, '60');
    await assertOneSuccess(page, user, '40.00');
  });

pageTest('a browser that is told to forget the site keeps the order under way',
  async ({ page, user, context }) => {
    const order = await untilChecking(page);
    const cdp = await context.newCDPSession(page);
    await cdp.send('Storage.clearDataForOrigin', {
      origin: new URL(page.url()).origin, storageTypes: 'indexeddb',
    });
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await assertOneSuccess(page, user, '40.00');
    assert.equal(await shownOrder(page), order, 'the same order');
    // and what comes next is kept again
    await page.click('#new');
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await withdraw(page, '1');
    await phase(page, 'checking');
    assert.equal((await pendingOrder(page, user)).order_id,
      await shownOrder(page));
    assert.equal(await page.locator('#storage').isVisible(), false);
  });
