// However often it is clicked, and in how many tabs: one order, one debit, and
// the page says what the ledger says.

import assert from 'node:assert/strict';
import {
  WITHDRAW, assertNothingElseSent, assertWithdrawnOnce, balanceReads,
  formIsOpen, gate, pageTest, phase, shownOrder,
} from './page.mjs';
import { openPage } from './stack.mjs';

pageTest('a double click withdraws once', async ({ page, user }) => {
  await page.fill('#amount', '50.00');
  await page.dblclick('#withdraw');
  await assertWithdrawnOnce(page, user, '50.00', '50.00');
  await assertNothingElseSent(page, user);
});

pageTest('five fast clicks withdraw once', async ({ page, user }) => {
  await page.fill('#amount', '20');
  await page.click('#withdraw', { clickCount: 5 });
  await assertWithdrawnOnce(page, user, '20.00', '80.00');
  await assertNothingElseSent(page, user);
});

pageTest('clicks that come after the answer send nothing',
  async ({ page, user }) => {
    await page.fill('#amount', '20');
    await page.click('#withdraw');
    await phase(page, 'succeeded');
    // the mouse itself: page.click would wait for an enabled button
    const button = await page.locator('#withdraw').boundingBox();
    const x = button.x + button.width / 2;
    const y = button.y + button.height / 2;
    await page.mouse.click(x, y);
    await page.mouse.dblclick(x, y);
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
    await assertNothingElseSent(page, user);
  });

pageTest('Enter held down, then a click, withdraw once',
  async ({ page, user }) => {
    await page.fill('#amount', '30.5');
    await page.focus('#amount');
    // further downs without an up are what a held key sends
    for (let i = 0; i < 5; i++) await page.keyboard.down('Enter');
    await page.click('#withdraw', { force: true });
    await page.keyboard.up('Enter');
    await assertWithdrawnOnce(page, user, '30.50', '69.50');
    await assertNothingElseSent(page, user);
  });

pageTest('submissions of the same instant withdraw once',
  async ({ page, user }) => {
    await page.fill('#amount', '20');
    await page.evaluate(() => {
      const form = document.getElementById('form');
      for (let i = 0; i < 5; i++) {
        form.dispatchEvent(new Event('submit', { cancelable: true }));
      }
    });
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
    await assertNothingElseSent(page, user);
  });

pageTest('a second tab joins the order of the first',
  async ({ page, context, user }) => {
    const held = gate();
    const sent = gate();
    const second = await openPage(context);
    await formIsOpen(second);
    await page.route(WITHDRAW, async (route) => {
      sent.open();
      await held.opened;
      await route.continue();
    }, { times: 1 });

    await page.fill('#amount', '60');
    await page.click('#withdraw');
    await sent.opened;
    await second.fill('#amount', '40');
    await second.click('#withdraw');
    await phase(second, 'succeeded');
    assert.match(await second.locator('#outcome-notice').innerText(),
      /the 40 CNY were not sent/);
    held.open();
    await assertWithdrawnOnce(page, user, '60.00', '40.00');
    assert.equal(await shownOrder(second), await shownOrder(page));
    await balanceReads(second, '40.00');
  });
