// Real faults on the wire between browser and nginx. After each, the page says
// what the ledger says.

import assert from 'node:assert/strict';
import {
  assertWithdrawnOnce, formIsOpen, gate, pageTest, phase, shownOrder, textOf,
  toCheck, withdraw,
} from './page.mjs';
import { startProxy } from './proxy.mjs';
import { ledgerOf } from './stack.mjs';

// A test whose page comes through a proxy of its own; body gets
// { page, user, context, proxy }.
function networkTest(name, plan, body) {
  pageTest(name, async ({ page, user, context }) => {
    const state = {};
    const proxy = await startProxy({ plan: (request) => plan(request, state) });
    try {
      await page.goto(proxy.url);
      await formIsOpen(page);
      await body({ page, user, context, proxy, state });
    } finally {
      await proxy.close();
    }
  });
}

function isWithdraw({ method, path }) {
  return method === 'POST' && path === '/api/withdraw';
}

function keysOf(proxy, path = '/api/withdraw') {
  return proxy.seen.filter((r) => r.method === 'POST' && r.path === path)
    .map((r) => r.key);
}

// Once, for the first withdrawal that comes.
function firstWithdraw(fate) {
  return (request, state) => {
    if (!isWithdraw(request) || state.done) return undefined;
    state.done = true;
    return fate;
  };
}

for (const cut of [0, 1, 200]) {
  networkTest(`the answer is cut off after ${cut} bytes, when it was committed`,
    firstWithdraw({ cut }), async ({ page, user, proxy, state }) => {
      await withdraw(page, '100');
      await assertWithdrawnOnce(page, user, '100.00', '0.00');
      assert.ok(state.done);
      assert.equal(new Set(keysOf(proxy)).size, 1, 'one order');
    });
}

networkTest('a reused connection is reset, and the browser sends again',
  (request, state) => {
    if (!isWithdraw(request)) return undefined;
    state.reused ??= request.reused;
    state.count = (state.count ?? 0) + 1;
    return state.count === 1 ? { cut: 0 } : undefined;
  }, async ({ page, user, proxy, state }) => {
    await withdraw(page, '100');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(state.reused, true, 'a kept connection');
    const keys = keysOf(proxy);
    assert.equal(new Set(keys).size, 1, 'one order');
    // Chromium repeats even a POST then, all by itself
    assert.ok(keys.length >= 2, `sent ${keys.length} times`);
  });

networkTest('the request is lost on the way', firstWithdraw({ refuse: true }),
  async ({ page, user, proxy }) => {
    await withdraw(page, '100');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(new Set(keysOf(proxy)).size, 1, 'one order');
  });

networkTest('a network that dies again and again', (request, state) => {
  state.left ??= 6;
  if (request.method !== 'POST' || state.left === 0) return undefined;
  state.left--;
  return state.left % 2 ? { cut: 0 } : { refuse: true };
}, async ({ page, user, proxy, state }) => {
  await withdraw(page, '100');
  await phase(page, 'checking', 'succeeded');
  await assertWithdrawnOnce(page, user, '100.00', '0.00');
  assert.equal(state.left, 0);
  assert.equal(new Set(keysOf(proxy)).size, 1, 'one order');
});

networkTest('a slow answer is waited for, and can be stopped: too late here',
  (request, state) => {
    state.answer ??= gate();
    state.arrived ??= gate();
    if (!isWithdraw(request)) return undefined;
    state.arrived.open();
    return { held: state.answer.opened };
  }, async ({ page, user, state }) => {
    await withdraw(page, '100');
    await state.arrived.opened;
    assert.equal(await phase(page, 'sending', 'checking'), 'sending');
    await page.click('#stop');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.match(await textOf(page, 'outcome-text'), /too late to stop/);
    state.answer.open();
  });

networkTest('a token that expires on the way is replaced by a fresh one',
  (request, state) => {
    if (request.path !== '/api/token') return undefined;
    state.tokens = (state.tokens ?? 0) + 1;
    return undefined;
  }, async ({ page, user, state }) => {
    await page.route('**/api/withdraw', (route) => {
      const body = JSON.parse(route.request().postData());
      return route.continue({
        postData: JSON.stringify({ ...body, token: 'spent-long-ago' }),
      });
    }, { times: 1 });
    await withdraw(page, '100');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(state.tokens, 2);
  });

networkTest('offline is shown, and the same order goes on after it',
  (request, state) => {
    if (!isWithdraw(request) || state.sent) return undefined;
    state.sent = request.key;
    return { cut: 0 };
  }, async ({ page, context, user, state }) => {
    await toCheck(page, '100');
    await context.setOffline(true);
    await page.locator('#offline', { hasText: 'You are offline' }).waitFor();
    await page.click('#withdraw');
    await phase(page, 'checking');
    await page.locator('#offline', { hasText: 'Nothing is lost' }).waitFor();
    assert.match(await textOf(page, 'outcome-text'), /There is no connection/);
    assert.equal((await ledgerOf(user)).records.length, 0);
    const order = await shownOrder(page);
    await context.setOffline(false);
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(await page.locator('#offline').isVisible(), false);
    assert.equal(await shownOrder(page), order, 'the same order');
    assert.equal(state.sent, order);
  });

networkTest('a page that is closed and opened again goes on',
  (request, state) => {
    state.arrived ??= gate();
    if (!isWithdraw(request) || state.first) return undefined;
    state.first = request.key;
    state.arrived.open();
    return { held: new Promise(() => {}) };
  }, async ({ page, context, user, proxy, state }) => {
    await withdraw(page, '100');
    await state.arrived.opened;
    await page.close();
    const again = await context.newPage();
    await again.goto(proxy.url);
    await assertWithdrawnOnce(again, user, '100.00', '0.00');
    assert.equal(await shownOrder(again), state.first, 'the same order');
  });
