// Whatever is lost on the way, the same order is asked again until its answer
// is final, and the page never guesses.

import assert from 'node:assert/strict';
import {
  WITHDRAW, assertWithdrawnOnce, formIsOpen, gate, pageTest, pendingOrder,
  phase, shownOrder, unavailable, withdraw,
} from './page.mjs';
import { VOID, ledgerOf, openAccount } from './stack.mjs';

pageTest('the order is kept before anything is sent',
  async ({ page, user }) => {
    const held = gate();
    const sent = gate();
    await page.route('**/api/token', async (route) => {
      sent.open(route.request().headers()['idempotency-key']);
      await held.opened;
      await route.continue();
    }, { times: 1 });

    await withdraw(page, '10');
    const key = await sent.opened;
    const order = await pendingOrder(page, user);
    assert.equal(key, `"${order.order_id}"`);
    assert.equal(order.amount, '10.00');
    // a reload leads to it, even if the answer comes while it is under way
    assert.ok(page.url().endsWith(`/?order=${order.order_id}`), page.url());
    held.open();
    await assertWithdrawnOnce(page, user, '10.00', '90.00');
  });

pageTest('a lost answer is asked for again', async ({ page, user }) => {
  let first = null;
  await page.route(WITHDRAW, async (route) => {
    const response = await route.fetch();
    first = await response.json();
    await route.abort('connectionreset');
  }, { times: 1 });

  await withdraw(page, '100.00');
  await assertWithdrawnOnce(page, user, '100.00', '0.00');
  assert.equal(first.status, 'succeeded', 'the server had committed');
  assert.equal(await shownOrder(page), first.order_id, 'the first result');
});

pageTest('an answer that does not come is given up, not waited for',
  async ({ page, user }) => {
    const committed = gate();
    await page.clock.install();
    await page.reload();
    await formIsOpen(page);
    await page.route(WITHDRAW, async (route) => {
      await route.fetch();
      committed.open();
    }, { times: 1 });

    await withdraw(page, '100.00');
    await committed.opened;
    assert.equal(await phase(page, 'sending', 'checking'), 'sending');
    await page.clock.fastForward(20_000);
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
  });

pageTest('answers that are no answers are asked for again',
  async ({ page, user }) => {
    const answers = [
      { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' },
      { status: 201, contentType: 'application/json', body: '{"status":"succ' },
      { status: 201, contentType: 'application/json', body: '{}' },
      { status: 200, contentType: 'text/html', body: '<h1>Welcome</h1>' },
    ];
    await page.route(WITHDRAW, (route) => {
      const answer = answers.shift();
      return answer ? route.fulfill(answer) : route.continue();
    });
    await withdraw(page, '100.00');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(answers.length, 0);
  });

pageTest('after a reload, an order that went through is shown',
  async ({ page, user }) => {
    const committed = gate();
    await page.route(WITHDRAW, async (route) => {
      await route.fetch();
      committed.open(); // and the answer never comes
    }, { times: 1 });

    await withdraw(page, '100.00');
    await committed.opened;
    const posts = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') posts.push(request.url());
    });
    await page.reload();
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.deepEqual(posts, [], 'its record is asked for before anything else');
  });

pageTest('after a reload, an order that never arrived is sent again',
  async ({ page, user }) => {
    const sent = gate();
    await page.route(WITHDRAW, () => sent.open(), { times: 1 });

    await withdraw(page, '100.00');
    await sent.opened;
    const order = await pendingOrder(page, user);
    await page.reload();
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(await shownOrder(page), order.order_id, 'the same order');
  });

pageTest('a service that is down when the page opens is waited for',
  async ({ page, user }) => {
    const sent = gate();
    await page.route(WITHDRAW, () => sent.open(), { times: 1 });
    await withdraw(page, '100.00');
    await sent.opened;

    let down = true;
    await page.route('**/api/**',
      (route) => down ? route.fulfill(unavailable(0)) : route.fallback());
    await page.reload();
    await page.locator('#account-note', { hasText: 'cannot be reached' })
      .waitFor();
    down = false;
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
  });

pageTest('an ended sign-in keeps the order', async ({ page, user }) => {
  await page.route(WITHDRAW, (route) => route.fulfill({
    status: 401,
    contentType: 'application/problem+json',
    body: '{"type":"/problems/unauthenticated","order_state":"unknown"}',
  }), { times: 1 });
  await withdraw(page, '100.00');
  await phase(page, 'sign-in');
  const order = await pendingOrder(page, user);
  assert.equal((await ledgerOf(user)).records.length, 0);

  await page.click('#again');
  await assertWithdrawnOnce(page, user, '100.00', '0.00');
  assert.equal(await shownOrder(page), order.order_id);
});

pageTest('an order is never paid by who signs in next',
  async ({ page, user }) => {
    const next = await openAccount('100.00');
    const login = btoa(`user${next}:user${next}`);
    let signedIn = false;
    await page.route('**/api/**', (route) => {
      const request = route.request();
      if (signedIn) {
        const headers = { ...request.headers(), authorization: `Basic ${login}` };
        return route.continue({ headers });
      }
      if (!request.url().endsWith('/api/withdraw')) return route.continue();
      signedIn = true;
      return route.fulfill(unavailable(0));
    });

    await withdraw(page, '100.00');
    await phase(page, 'sign-in');
    assert.equal((await ledgerOf(next)).records.length, 0);
    assert.equal((await ledgerOf(next)).balance, '100.00');
    const order = await pendingOrder(page, user);

    await page.unroute('**/api/**');
    await page.click('#again');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.equal(await shownOrder(page), order.order_id);
    assert.equal((await ledgerOf(next)).records.length, 0);
  });

pageTest('a request that the service calls malformed ends with a final answer',
  async ({ page, user }) => {
    await page.route(WITHDRAW, (route) => route.fulfill({
      status: 400,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        type: '/problems/malformed', title: 'Malformed request', status: 400,
        detail: 'made by the test', order_state: 'unknown',
        safe_new_order: false,
      }),
    }));
    await withdraw(page, '100.00');
    await phase(page, 'void');
    assert.match(await page.locator('#outcome-text').innerText(),
      /Malformed request. made by the test/);
    const { balance, records } = await ledgerOf(user);
    assert.equal(balance, '100.00');
    assert.deepEqual(records.map((r) => r.status), [VOID]);
  });
