// What the page says and offers besides a plain success: before an order, after
// a refusal, and after Stop.

import assert from 'node:assert/strict';
import {
  WITHDRAW, assertWithdrawnOnce, balanceReads, formIsOpen, pageTest,
  pendingOrder, phase, shownOrder, unavailable,
} from './page.mjs';
import { BASE_URL, DECLINED, SUCCEEDED, VOID, ledgerOf } from './stack.mjs';

const VOID_CALL = '**/api/withdrawals/*/void';

pageTest('the page loads without violations, errors or foreign requests',
  async ({ context }) => {
    const page = await context.newPage();
    const faults = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) {
        faults.push(message.text());
      }
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(BASE_URL)) faults.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) {
        faults.push(`${response.status()} ${response.url()}`);
      }
    });
    for (const path of ['/', '/problems.html', '/problems/busy']) {
      const response = await page.goto(BASE_URL + path,
        { waitUntil: 'networkidle' });
      const policy = response.headers()['content-security-policy'] ?? '';
      assert.match(policy, /default-src 'none'/, path);
    }
    assert.deepEqual(faults, []);
    assert.equal(await page.locator('.problem:target').getAttribute('id'),
      'busy', 'the type of a problem leads to its explanation');
  });

pageTest('what is no amount is not sent', async ({ page, user }) => {
  const wrong = ['', '0', '0.00', '-1', '+1', '01', '1.', '.5', '1.234', '1e2',
    ' 1', '1 ', '1,5', '12345678901234', '\uff11', 'NaN'];
  let requests = 0;
  await page.route('**/api/**', (route) => {
    requests++;
    return route.continue();
  });
  for (const amount of wrong) {
    await page.fill('#amount', amount);
    await page.click('#withdraw');
    const error = await page.locator('#amount-error').innerText();
    assert.match(error, /above zero/, JSON.stringify(amount));
    assert.equal(await pendingOrder(page, user), null);
  }
  assert.equal(requests, 0);
});
pageTest('a browser that keeps no data sends nothing',
  async ({ page, user }) => {
    await page.evaluate(() => {
      Storage.prototype.setItem = () => { throw new Error('no room'); };
    });
    await page.fill('#amount', '1');
    await page.click('#withdraw');
    await phase(page, 'stuck');
    assert.match(await page.locator('#outcome-text').innerText(),
      /Nothing was sent/);
    assert.equal((await ledgerOf(user)).records.length, 0);
  });

pageTest('a site without a secure context works', async ({ page, user }) => {
  await page.addInitScript(() => {
    delete Crypto.prototype.randomUUID;
    delete Navigator.prototype.locks;
  });
  await page.reload();
  await formIsOpen(page);
  await page.fill('#amount', '1');
  await page.click('#withdraw');
  await assertWithdrawnOnce(page, user, '1.00', '99.00');
  assert.match(await shownOrder(page),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

pageTest('too little money is a final answer, and a new order may follow',
  async ({ page, user }) => {
    await page.fill('#amount', '100.01');
    await page.click('#withdraw');
    await phase(page, 'declined');
    const text = await page.locator('#outcome-text').innerText();
    assert.match(text, /100\.00 CNY is less than the 100\.01 CNY/);
    assert.match(text, /No money left your account/);
    assert.match(text, /final/);
    const declined = await shownOrder(page);
    assert.equal(await pendingOrder(page, user), null);

    await page.click('#new');
    await page.fill('#amount', '100');
    await page.click('#withdraw');
    await phase(page, 'succeeded');
    await balanceReads(page, '0.00');
    const { records, debits } = await ledgerOf(user);
    assert.deepEqual(records.map((r) => r.status), [DECLINED, SUCCEEDED]);
    assert.equal(records[0].order_id, declined);
    assert.equal(debits.length, 1);
  });

pageTest('Stop closes an order that cannot be sent', async ({ page, user }) => {
  const asked = 3600;
  let sent = 0;
  await page.route(WITHDRAW, (route) => {
    sent++;
    return route.fulfill(unavailable(asked));
  });
  await page.fill('#amount', '100.00');
  await page.click('#withdraw');

  const note = page.locator('#outcome-note', { hasText: 'Asking again in' });
  const wait = /in (\d+) s/.exec(await note.innerText());
  assert.ok(Number(wait[1]) >= asked, `Retry-After is honoured: ${wait[0]}`);
  assert.equal(await phase(page, 'checking'), 'checking');
  await page.click('#stop');
  await phase(page, 'void');

  assert.match(await page.locator('#outcome-text').innerText(),
    /No money left your account, and for this order none ever will/);
  const { balance, records, debits } = await ledgerOf(user);
  assert.equal(sent, 1);
  assert.equal(balance, '100.00');
  assert.deepEqual(records.map((r) => r.status), [VOID]);
  assert.equal(debits.length, 0);
  assert.equal(await shownOrder(page), records[0].order_id);
  assert.equal(await pendingOrder(page, user), null);
});

pageTest('Stop comes too late for an order that went through',
  async ({ page, user }) => {
    await page.route(WITHDRAW, async (route) => {
      await route.fetch();
      await route.fulfill(unavailable(3600));
    });
    await page.fill('#amount', '100.00');
    await page.click('#withdraw');
    await phase(page, 'checking');
    await page.click('#stop');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
    assert.match(await page.locator('#outcome-text').innerText(),
      /too late to stop/);
  });

pageTest('a stopped order is not sent again after a reload',
  async ({ page, user }) => {
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await page.route(VOID_CALL, (route) => route.fulfill(unavailable(3600)));
    await page.fill('#amount', '100.00');
    await page.click('#withdraw');
    await phase(page, 'checking');
    await page.click('#stop');
    await phase(page, 'stopping');

    await page.unroute(WITHDRAW);
    await page.unroute(VOID_CALL);
    await page.reload();
    await phase(page, 'void');
    const { balance, records } = await ledgerOf(user);
    assert.equal(balance, '100.00');
    assert.deepEqual(records.map((r) => r.status), [VOID]);
  });
