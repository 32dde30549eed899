// What the page says and offers besides a plain success: before an order, after
// a refusal, and after Stop.

import assert from 'node:assert/strict';
import {
  VOID_CALL, WITHDRAW, assertAgrees, assertWithdrawnOnce, balanceReads,
  closingIsKept, formIsOpen, pageTest, pendingOrder, phase, shownOrder, textOf, toCheck,
  unavailable, withdraw,
} from './page.mjs';
import {
  BASE_URL, DECLINED, SUCCEEDED, VOID, adjust, freeze, ledgerOf, limit,
  unfreeze,
} from './stack.mjs';

pageTest('what is no amount goes no further', async ({ page, user }) => {
  const wrong = {
    '': 'Enter the amount that', ' ': 'Enter the amount that',
    '0': 'above zero', '0.00': 'above zero',
    '1.234': 'at most two decimals', '0.000': 'at most two decimals',
    '12345678901234': 'larger than any', '-1': 'in digits',
    '+1': 'in digits', '01': 'in digits', '1.': 'in digits',
    '.5': 'in digits', '1e2': 'in digits', '1,5': 'in digits',
    '1,00,000': 'in digits', '1 000': 'in digits', 'NaN': 'in digits',
    '0x10': 'in digits',
    '100.01': 'more than your balance of ¥100.00',
    '9999999999999.99': 'more than your balance of ¥100.00',
  };
  const posts = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') posts.push(request.url());
  });
  for (const [amount, said] of Object.entries(wrong)) {
    await page.fill('#amount', amount);
    await page.click('#continue');
    await page.locator('#amount-error', { hasText: said }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id),
      'amount', JSON.stringify(amount));
    assert.equal(await page.getAttribute('#amount', 'aria-invalid'), 'true');
    assert.equal(await pendingOrder(page, user), null);
  }
  assert.deepEqual(posts, []);
});

pageTest('what is typed is read as it is meant, and shown before it is sent',
  async ({ page }) => {
    const meant = {
      '1': '¥1.00', ' 99.5 ': '¥99.50', '¥20': '¥20.00', '$20.1': '¥20.10',
      '1,000.50': '¥1,000.50', '1,234,567': '¥1,234,567.00',
      '\uff11\uff12\u3002\uff15': '¥12.50',
      '9007199254740.93': '¥9,007,199,254,740.93',
    };
    for (const [typed, shown] of Object.entries(meant)) {
      await toCheck(page, typed);
      assert.equal(await textOf(page, 'withdraw'), `Withdraw ${shown}`);
      await page.click('#change');
      await formIsOpen(page);
      assert.equal(await page.inputValue('#amount'), typed, 'it is kept');
    }
  }, { balance: '9007199254740.99' });

pageTest('a site without a secure context works', async ({ page, user }) => {
  await page.addInitScript(() => { delete Crypto.prototype.randomUUID; });
  await page.reload();
  await formIsOpen(page);
  await withdraw(page, '1');
  await assertWithdrawnOnce(page, user, '1.00', '99.00');
  assert.match(await shownOrder(page),
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

pageTest('too little money is a final answer, and a new order may follow',
  async ({ page, user }) => {
    await toCheck(page, '100');
    await adjust(user, '-0.01');
    await page.click('#withdraw');
    await phase(page, 'declined');
    const text = await textOf(page, 'outcome-text');
    assert.match(text, /balance of ¥99\.99 was less than the ¥100\.00/);
    assert.match(text, /No money left your balance/);
    assert.match(text, /final/);
    await assertAgrees(page, (await ledgerOf(user)).records[0]);
    assert.equal(await pendingOrder(page, user), null);

    await page.click('#new');
    await withdraw(page, '99.99');
    await phase(page, 'succeeded');
    await balanceReads(page, '0.00');
    const { records, debits } = await ledgerOf(user);
    assert.deepEqual(records.map((r) => r.status), [DECLINED, SUCCEEDED]);
    assert.equal(debits.length, 1);
  });

pageTest('an account in review is said to be', async ({ page, user }) => {
  await toCheck(page, '100');
  await freeze(user);
  await page.click('#withdraw');
  await phase(page, 'review');
  assert.match(await textOf(page, 'outcome-title'), /account is in review/);
  assert.match(await textOf(page, 'outcome-text'), /did not leave your balance/);
  const { records, balance } = await ledgerOf(user);
  assert.equal(balance, '100.00');
  assert.equal(records[0].reason, 'account-frozen');
  await assertAgrees(page, records[0]);
  await page.reload();
  await phase(page, 'review');
});

pageTest('a limit of the day is named, and when it ends', async ({ page, user }) => {
  await toCheck(page, '50.01');
  await limit(user, { sum: '50' });
  await page.click('#withdraw');
  await phase(page, 'declined');
  assert.match(await textOf(page, 'outcome-text'),
    /¥50\.01 is above what is left for the day.* whole again from \w+ \d+/);
  await assertAgrees(page, (await ledgerOf(user)).records[0]);
  await page.locator('#history-rows li', { hasText: 'limit of the day' })
    .waitFor();
});

// What Continue says to an amount that cannot go on.
async function refusalOf(page, amount) {
  await page.fill('#amount', amount);
  await page.click('#continue');
  const error = page.locator('#amount-error:not(:empty)');
  await error.waitFor();
  return error.innerText();
}

pageTest('what may be withdrawn is said beforehand', async ({ page, user }) => {
  const posts = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') posts.push(request.url());
  });
  assert.equal(await textOf(page, 'range'), 'From ¥0.01 to ¥100.00.');
  assert.equal(await page.locator('#range[data-bar]').count(), 0);
  assert.equal(await textOf(page, 'day'), 'With at most two decimals.');
  // Continue asks anew: what was set meanwhile counts
  await limit(user, { min: '5', max: '60', count: '2', sum: '80' });
  assert.match(await refusalOf(page, '4.99'), /least.*¥5\.00/);
  assert.equal(await textOf(page, 'range'), 'From ¥5.00 to ¥60.00.');
  assert.match(await textOf(page, 'day'),
    /^Left until \w+ \d+.*, 12:00.AM: 2 withdrawals, ¥80\.00\.$/);
  assert.match(await refusalOf(page, '60.01'), /most.*¥60\.00/);
  assert.match(await refusalOf(page, '100.01'), /your balance of ¥100\.00/);
  assert.deepEqual(posts, []);

  await page.click('#all');
  assert.equal(await page.inputValue('#amount'), '60.00');
  await page.click('#continue');
  await page.locator('#withdraw:enabled').click();
  await phase(page, 'succeeded');
  await page.click('#new');
  await page.locator('#range', { hasText: 'From ¥5.00 to ¥20.00.' }).waitFor();
  assert.match(await textOf(page, 'day'), /: one withdrawal, ¥20\.00\.$/);
  assert.match(await refusalOf(page, '20.01'), /^¥20\.00 is left for the day/);

  await withdraw(page, '20');
  await phase(page, 'succeeded');
  await page.click('#new');
  await page.locator('#range[data-bar]', { hasText: 'of the day are used up' })
    .waitFor();
  assert.equal(await page.locator('#day').isVisible(), false);
  assert.equal(await page.locator('#all').isEnabled(), false);
  assert.match(await refusalOf(page, '5'), /used up.*can be made from \w+ \d+/);
  const { balance, records } = await ledgerOf(user);
  assert.equal(balance, '20.00');
  assert.equal(records.length, 2, 'what was refused here made no order');
}, { timezoneId: 'UTC' });

pageTest('a review is said beforehand, and over when it is over',
  async ({ page, user }) => {
    await freeze(user);
    assert.match(await refusalOf(page, '100'), /account is in review/);
    assert.match(await textOf(page, 'range'), /account is in review/);
    assert.equal((await ledgerOf(user)).records.length, 0);
    await unfreeze(user);
    await withdraw(page, '100');
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
  });

pageTest('a balance below the least says so', async ({ page, user }) => {
  await limit(user, { min: '100.01' });
  await page.reload();
  await formIsOpen(page);
  assert.match(await textOf(page, 'range'), /balance is below ¥100\.01/);
  assert.match(await refusalOf(page, '100'), /least.*¥100\.01/);
});

pageTest('no new order before a final answer', async ({ page, user }) => {
  const offersNone = async (...phases) => {
    await phase(page, ...phases);
    for (const id of ['form', 'check', 'new']) {
      assert.equal(await page.locator(`#${id}`).isVisible(), false,
        `${id}, ${phases}`);
    }
  };
  const answers = [unavailable(3600), { status: 401 }, { status: 403,
    contentType: 'application/problem+json', body: '{"type":"/problems/x"}' }];
  let answer = answers[0];
  for (const call of [WITHDRAW, VOID_CALL]) {
    await page.route(call, (route) => route.fulfill(answer));
  }
  await withdraw(page, '60');
  await offersNone('checking');
  const { order_id: order } = await pendingOrder(page, user);
  // neither at another address nor by going back
  await page.goto(BASE_URL);
  await offersNone('checking');
  await page.goBack();
  await offersNone('checking');
  await page.click('#stop');
  await offersNone('stopping');
  for (const [i, ending] of [[1, 'sign-in'], [2, 'stuck']]) {
    answer = answers[i];
    await page.reload();
    await offersNone(ending);
    assert.equal((await pendingOrder(page, user)).order_id, order);
  }
  assert.equal((await ledgerOf(user)).records.length, 0);
  for (const call of [WITHDRAW, VOID_CALL]) await page.unroute(call);
  await page.reload();
  await phase(page, 'void');
  await page.locator('#new').waitFor();
  assert.deepEqual((await ledgerOf(user)).records.map((r) => r.order_id),
    [order]);
});

pageTest('Stop closes an order that cannot be sent', async ({ page, user }) => {
  const asked = 3600;
  let sent = 0;
  await page.route(WITHDRAW, (route) => {
    sent++;
    return route.fulfill(unavailable(asked));
  });
  await withdraw(page, '100.00');

  const note = page.locator('#outcome-note', { hasText: 'Asking again in' });
  const wait = /in (\d+) s/.exec(await note.innerText());
  assert.ok(Number(wait[1]) >= asked, `Retry-After is honoured: ${wait[0]}`);
  assert.equal(await phase(page, 'checking'), 'checking');
  await page.click('#stop');
  await phase(page, 'void');

  assert.match(await page.locator('#outcome-text').innerText(),
    /No money left your balance, and for this order none ever will/);
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
    await withdraw(page, '100.00');
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
    await withdraw(page, '100.00');
    await phase(page, 'checking');
    await page.click('#stop');
    await phase(page, 'stopping');
    // a reload of the same moment may be before it
    await closingIsKept(page, user);

    await page.unroute(WITHDRAW);
    await page.unroute(VOID_CALL);
    await page.reload();
    await phase(page, 'void');
    const { balance, records } = await ledgerOf(user);
    assert.equal(balance, '100.00');
    assert.deepEqual(records.map((r) => r.status), [VOID]);
    await assertAgrees(page, records[0]);
  });
