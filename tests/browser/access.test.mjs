// Everyone can use it: the states that an order ends in and those beside it, the
// keyboard, large text, less motion, and the page read aloud.

import assert from 'node:assert/strict';
import { fits, refusal, stateTest } from './examine.mjs';
import {
  ACCOUNT, VOID_CALL, WITHDRAW, assertWithdrawnOnce, balanceReads, formIsOpen,
  pageTest, phase, shownOrder, textOf, toCheck, unavailable, withdraw,
} from './page.mjs';
import {
  BASE_URL, addSignIn, adjust, freeze, ledgerOf, limit, markPayout,
} from './stack.mjs';

for (const [state, reference] of [['paid', 'BANK-2026-000042'],
  ['returned', 'NO-SUCH-ACCOUNT']]) {
  stateTest(state, async ({ page }) => {
    await withdraw(page, '60');
    await phase(page, 'succeeded');
    await markPayout(await shownOrder(page), state, reference);
    await page.reload();
    await page.locator(`#outcome[data-payout="${state}"]`).waitFor();
    await page.locator(`#history-rows li[data-state="${state}"]`).waitFor();
  });
}

stateTest('declined', async ({ page, user }) => {
  await toCheck(page, '100');
  await adjust(user, '-1');
  await page.click('#withdraw');
  await phase(page, 'declined');
});

stateTest('in review', async ({ page, user }) => {
  await toCheck(page, '100');
  await freeze(user);
  await page.click('#withdraw');
  await phase(page, 'review');
});

stateTest('in review, before an order', async ({ page, user }) => {
  await freeze(user);
  await page.reload();
  await page.locator('#range', { hasText: /in review|审核/ }).waitFor();
});

stateTest('limit of the day used up', async ({ page, user }) => {
  await limit(user, { count: '1' });
  await withdraw(page, '10');
  await phase(page, 'succeeded');
  await page.click('#new');
  await page.locator('#range[data-bar]').waitFor();
});

stateTest('limits, and an amount above them', async ({ page, user }) => {
  await limit(user, { min: '5', max: '60', count: '2', sum: '80' });
  await page.reload();
  await formIsOpen(page);
  await page.fill('#amount', '60.01');
  await page.click('#continue');
  await page.locator('#amount-error', { hasText: '60.00' }).waitFor();
});

stateTest('stopped', async ({ page }) => {
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await withdraw(page, '100');
  await phase(page, 'checking');
  await page.click('#stop');
  await phase(page, 'void');
});

stateTest('sign-in ended', async ({ page }) => {
  await page.route(WITHDRAW, (route) => route.fulfill(
    refusal(401, 'unauthenticated')));
  await withdraw(page, '100');
  await phase(page, 'sign-in');
});

stateTest('nobody signed in', async ({ page }) => {
  await page.route(ACCOUNT, (route) => route.fulfill(
    refusal(401, 'unauthenticated')));
  await page.reload();
  await phase(page, 'signed-out');
});

stateTest('not allowed', async ({ page }) => {
  await page.route(ACCOUNT, (route) => route.fulfill(
    refusal(403, 'forbidden')));
  await page.reload();
  await phase(page, 'refused');
});

stateTest('stuck', async ({ page }) => {
  for (const call of [WITHDRAW, VOID_CALL]) {
    await page.route(call, (route) => route.fulfill(refusal(403, 'forbidden')));
  }
  await withdraw(page, '100');
  await phase(page, 'stuck');
});

stateTest('looking up an order', async ({ page }) => {
  await page.route('**/api/withdrawals/*', (route) => (
    route.fulfill(unavailable(60))));
  await page.goto(`${BASE_URL}/?order=6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00`);
  await phase(page, 'looking');
  await page.locator('#account-note', { hasText: /./ }).waitFor();
});

stateTest('an error in the page', async ({ page }) => {
  await page.evaluate(() => {
    crypto.randomUUID = () => { throw new Error('made by the test'); };
  });
  await withdraw(page, '100');
  await phase(page, 'broken');
});

stateTest('unknown order', async ({ page }) => {
  await page.goto(`${BASE_URL}/?order=6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00`);
  await phase(page, 'unknown-order');
});

stateTest('storage blocked, service away', async ({ page }) => {
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => { throw new Error('blocked'); };
  });
  await page.reload();
  await formIsOpen(page);
  await page.locator('#storage').waitFor();
  await page.route('**/api/**', (route) => route.fulfill(unavailable(60)));
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.locator('#account-note', { hasText: 'out of date' }).waitFor();
  await page.locator('#history-note', { hasText: 'cannot be loaded' }).waitFor();
});

stateTest('list, and one under way', async ({ page, context }) => {
  for (let i = 0; i < 12; i++) {
    const headers = { 'Idempotency-Key': crypto.randomUUID() };
    await context.request.post(`${BASE_URL}/api/withdrawals/${
      headers['Idempotency-Key']}/void`);
  }
  await withdraw(page, '12.34');
  await phase(page, 'succeeded');
  const receipt = page.url();
  await page.click('#new');
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await withdraw(page, '1');
  await phase(page, 'checking');
  await page.goto(receipt);
  await page.locator('#under-way').waitFor();
  await page.locator('#more').waitFor();
});

stateTest('what the answers mean', ({ page }) => (
  page.goto(`${BASE_URL}/problems.html`)));

pageTest('text of twice the size fits', async ({ page }) => {
  for (const [width, size] of [[1280, '200%'], [640, '200%']]) {
    await page.setViewportSize({ width, height: 640 });
    await page.evaluate((fontSize) => {
      document.documentElement.style.fontSize = fontSize;
    }, size);
    await formIsOpen(page);
    await fits(page, `amount, ${width}`);
  }
  await toCheck(page, '60');
  await fits(page, 'check');
  await page.click('#withdraw');
  await phase(page, 'succeeded');
  await fits(page, 'receipt');
});

pageTest('the keyboard alone', async ({ page, user }) => {
  const focused = () => page.evaluate(() => document.activeElement.id);
  const way = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press('Tab');
    way.push(await page.evaluate(() => document.activeElement.id
      || document.activeElement.className));
    const { outline, width } = await page.evaluate(() => {
      const seen = document.activeElement.closest('.field')
        && document.activeElement.tagName === 'INPUT'
        ? document.activeElement.closest('.field') : document.activeElement;
      const style = getComputedStyle(seen);
      return { outline: style.outlineStyle, width: parseFloat(style.outlineWidth) };
    });
    assert.equal(outline, 'solid', `${way.at(-1)} shows the focus`);
    assert.ok(width >= 2, way.at(-1));
  }
  assert.deepEqual(way, ['brand', 'language', 'amount', 'all', 'continue']);
  await page.focus('#amount');
  await page.keyboard.type('100');
  await page.keyboard.press('Enter');
  await page.locator('#withdraw:enabled').waitFor();
  assert.equal(await focused(), 'check-title', 'the focus went along');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'withdraw');
  await page.keyboard.press('Enter');
  await assertWithdrawnOnce(page, user, '100.00', '0.00');
  assert.equal(await focused(), 'outcome-title', 'the focus is at the outcome');
  await page.locator('#new').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'new');
});

pageTest('less motion, where it is asked for', async ({ page }) => {
  const moving = () => page.evaluate(() => document.getAnimations().filter(
    (a) => a.effect.getTiming().iterations === Infinity).length);
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await withdraw(page, '100');
  await phase(page, 'checking');
  assert.equal(await moving(), 1);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  assert.equal(await moving(), 0);
});

// ---- read aloud, in order ----

const ORDER = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

// The lines of the accessibility tree below an element, without its addresses.
async function readAloud(page, selector) {
  const tree = await page.locator(selector).ariaSnapshot();
  return tree.split('\n').map((line) => line.trim())
    .filter((line) => line && !line.startsWith('- /url'));
}

function assertReads(lines, expected) {
  assert.equal(lines.length, expected.length, lines.join('\n'));
  for (const [i, want] of expected.entries()) {
    if (want instanceof RegExp) assert.match(lines[i], want);
    else assert.equal(lines[i], want, lines.join('\n'));
  }
}

pageTest('read aloud, the page makes sense', async ({ page, user }) => {
  await page.locator('#history').waitFor();
  assertReads(await readAloud(page, 'main'), [
    '- main:', '- heading "Withdraw money" [level=1]',
    '- region "Available balance":',
    '- heading "Available balance" [level=2]',
    '- paragraph: ¥100.00',
    /^- paragraph: Account \d+ · CNY$/,
    '- group "New withdrawal":',
    '- text: New withdrawal How much do you want to withdraw?',
    '- textbox "How much do you want to withdraw?"',
    '- button "All of it"',
    /^- paragraph: From ¥0\.01 to ¥100\.00\. With at most two decimals/,
    '- button "Continue"',
    '- paragraph: Nothing is sent yet. You can check everything first.',
    '- region "Your withdrawals":',
    '- heading "Your withdrawals" [level=2]',
    '- status: There are none yet.',
  ]);
  await page.click('#continue');
  // what is wrong is an alert, and is said again with the field
  assert.equal(await page.getByRole('alert').innerText(),
    'Enter the amount that you want to withdraw.');
  assert.match(await page.getAttribute('#amount', 'aria-describedby'),
    /amount-error/);

  await toCheck(page, '60');
  assertReads(await readAloud(page, '#check'), [
    '- heading "Check before you withdraw" [level=2]',
    '- term: You withdraw', '- definition: ¥60.00',
    '- term: Balance now', '- definition: ¥100.00',
    '- term: Balance afterwards', '- definition: ¥40.00',
    /^- paragraph: The amount leaves your balance at once/,
    '- button "Withdraw ¥60.00"',
    '- button "Change the amount"',
  ]);

  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
  await page.click('#withdraw');
  await phase(page, 'checking');
  assert.match(await textOf(page, 'live'), new RegExp('^Checking\\. The service '
    + 'cannot decide right now\\. We do not know yet whether the ¥60\\.00 left '
    + 'your balance\\. Nothing is lost'));
  assert.equal(await page.getAttribute('#live', 'role'), 'status');
  assert.equal(await page.evaluate(() => document.activeElement.id),
    'outcome-title');
  await page.unroute(WITHDRAW);
  await page.evaluate(() => dispatchEvent(new Event('online')));

  await assertWithdrawnOnce(page, user, '60.00', '40.00');
  await page.locator('#new').waitFor();
  assertReads(await readAloud(page, '#outcome'), [
    '- region "Withdrawn":', '- heading "Withdrawn" [level=2]',
    '- paragraph: ¥60.00',
    '- paragraph: ¥60.00 left your balance.',
    '- list:',
    /^- listitem: Withdrawn from your balance .*\d\d? [AP]M$/,
    '- listitem: On its way to you now',
    '- listitem: Paid out later',
    '- term: Amount', '- definition: ¥60.00',
    '- term: Balance right after', '- definition: ¥40.00',
    '- term: Time', '- definition:', /^- time: .* UTC$/,
    '- term: Order number', new RegExp(`^- definition: ${ORDER}$`),
    '- term: Payout', '- definition: On its way to you',
    '- button "New withdrawal"', '- button "Print"',
    '- paragraph: "This receipt keeps its address: you can bookmark it."',
  ]);
  assert.equal((await ledgerOf(user)).debits.length, 1);
}, { timezoneId: 'UTC' });

pageTest('read aloud, what stands against a withdrawal makes sense',
  async ({ page, user }) => {
    await toCheck(page, '60');
    await adjust(user, '-50');
    await page.click('#withdraw');
    await phase(page, 'declined');
    await page.locator('#new').waitFor();
    assertReads((await readAloud(page, '#outcome')).slice(0, 6), [
      '- region "Not withdrawn":', '- heading "Not withdrawn" [level=2]',
      '- paragraph: ¥60.00',
      /^- paragraph: "?Your balance of ¥50\.00 was less than the ¥60\.00 .*final/,
      '- term: Amount', '- definition: ¥60.00',
    ]);
    await page.click('#new');
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(60)));
    await withdraw(page, '10');
    await phase(page, 'checking');
    await page.click('#stop');
    await phase(page, 'void');
    await page.locator('#new').waitFor();
    assertReads((await readAloud(page, '#outcome')).slice(0, 4), [
      '- region "Not withdrawn":', '- heading "Not withdrawn" [level=2]',
      '- paragraph: ¥10.00',
      /^- paragraph: "?The order is closed\. No money left your balance/,
    ]);
    await freeze(user);
    await page.goto(BASE_URL);
    await page.locator('#range[data-bar]').waitFor();
    // the field's description says it, with nothing after it that is not true
    assert.equal((await readAloud(page, '#amount-hint')).join(),
      '- paragraph: "Your account is in review: nothing can be withdrawn for '
      + 'now. Your money stays where it is. Please ask the operator of this '
      + 'site."');
    assert.equal((await ledgerOf(user)).balance, '50.00');
  });

pageTest('read aloud, the sign-in makes sense', async ({ page, user }) => {
  const { name, password } = addSignIn(user);
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.locator('#form:not([hidden])').waitFor();
  assertReads(await readAloud(page, 'main'), [
    '- main:', '- heading "Sign in" [level=1]', '- group:',
    /^- paragraph: Sign in to see your balance and to withdraw\./,
    '- text: Name', '- textbox "Name"', '- text: Password',
    '- textbox "Password"', '- button "Sign in"',
  ]);
  await page.fill('#name', name);
  await page.fill('#password', 'wrong');
  await page.click('#act');
  await page.locator('#note', { hasText: /./ }).waitFor();
  assert.equal(await page.getByRole('alert').innerText(),
    'The name and the password do not belong together.');
  assert.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
  // what is no fault of the fields does not call them wrong
  await page.route('**/api/session', (route) => (
    route.fulfill(unavailable(60))), { times: 1 });
  await page.fill('#password', password);
  await page.click('#act');
  await page.locator('#note', { hasText: 'not possible right now' }).waitFor();
  assert.equal(await page.getAttribute('#password', 'aria-invalid'), 'false');
  await page.click('#act');
  await page.waitForURL(`${BASE_URL}/`);
  await page.goto(`${BASE_URL}/sign-in.html`);
  await page.getByRole('button', { name: 'Sign out everywhere' }).waitFor();
  assertReads(await readAloud(page, '#session'), [
    `- heading "You are signed in as ${name}." [level=2]`,
    '- link "Continue":', '- button "Sign out"',
    '- button "Sign out everywhere"',
  ]);
  assert.equal((await ledgerOf(user)).records.length, 0);
});

pageTest('read aloud in Chinese', async ({ page, user }) => {
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN');
  await toCheck(page, '60');
  assert.deepEqual((await readAloud(page, '#check')).slice(0, 3), [
    '- heading "请核对后再提现" [level=2]',
    '- term: 提现金额', '- definition: ¥60.00',
  ]);
  assert.equal(await textOf(page, 'withdraw'), '提现 ¥60.00');
  await page.click('#withdraw');
  await page.locator('#outcome-title', { hasText: '已提现' }).waitFor();
  await balanceReads(page, '40.00');
  const { records } = await ledgerOf(user);
  const facts = await textOf(page, 'outcome-facts');
  assert.ok(facts.includes(records[0].order_id));
  assert.match(facts, /2\d{3}年/);
}, { locale: 'zh-CN' });
