// However often it is clicked: one order, one debit, and the page says what the
// ledger says.

import assert from 'node:assert/strict';
import {
  assertNothingElseSent, assertWithdrawnOnce, formIsOpen, pageTest, phase,
  toCheck, withdraw,
} from './page.mjs';

pageTest('a double click withdraws once', async ({ page, user }) => {
  await toCheck(page, '50.00');
  await page.dblclick('#withdraw');
  await assertWithdrawnOnce(page, user, '50.00', '50.00');
  await assertNothingElseSent(page, user);
});

pageTest('five fast clicks withdraw once', async ({ page, user }) => {
  await toCheck(page, '20');
  await page.click('#withdraw', { clickCount: 5 });
  await assertWithdrawnOnce(page, user, '20.00', '80.00');
  await assertNothingElseSent(page, user);
});

pageTest('a double click on Continue goes no further than the check',
  async ({ page, user }) => {
    // the page's clock stands, however slow the test is
    await page.clock.install();
    await page.reload();
    await formIsOpen(page);
    await page.fill('#amount', '20');
    await page.clock.pauseAt(Date.now() + 60_000);
    const target = await middle(page, '#continue');
    await page.mouse.click(...target, { clickCount: 5, delay: 1 });
    await page.locator('#withdraw:disabled').waitFor();
    await page.clock.runFor(400);
    // wherever it has come up, it does not take the clicks of before
    await page.mouse.dblclick(...await middle(page, '#withdraw'));
    await page.locator('#withdraw:disabled').waitFor();
    await page.clock.runFor(200);
    await page.locator('#withdraw:enabled').waitFor();
    await page.clock.resume();
    await page.click('#withdraw');
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
  });

pageTest('clicks that come after the answer send nothing',
  async ({ page, user }) => {
    await toCheck(page, '20');
    const target = await middle(page, '#withdraw');
    await page.mouse.click(...target);
    await phase(page, 'succeeded');
    await page.mouse.click(...target);
    await page.mouse.dblclick(...target);
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
    await assertNothingElseSent(page, user);
  });

pageTest('Enter held down in the amount goes no further than the check',
  async ({ page, user }) => {
    await page.fill('#amount', '30.5');
    await page.focus('#amount');
    await hold(page, 'Enter');
    await page.locator('#withdraw:enabled').waitFor();
    await hold(page, 'Enter');
    await page.keyboard.up('Enter');
    await page.locator('#withdraw:enabled').waitFor();
    await page.click('#withdraw');
    await assertWithdrawnOnce(page, user, '30.50', '69.50');
    await assertNothingElseSent(page, user);
  });

pageTest('Enter held down on the button, then a click, withdraw once',
  async ({ page, user }) => {
    await toCheck(page, '30.5');
    const target = await middle(page, '#withdraw');
    await page.focus('#withdraw');
    await hold(page, 'Enter');
    await page.mouse.click(...target);
    await page.keyboard.up('Enter');
    await assertWithdrawnOnce(page, user, '30.50', '69.50');
    await assertNothingElseSent(page, user);
  });

pageTest('submissions of the same instant withdraw once',
  async ({ page, user }) => {
    await toCheck(page, '20');
    await page.evaluate(() => {
      const form = document.getElementById('check');
      for (let i = 0; i < 5; i++) {
        form.dispatchEvent(new Event('submit', { cancelable: true }));
      }
    });
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
    await assertNothingElseSent(page, user);
  });

pageTest('a click that comes with Back is no form while its order is made',
  async ({ page, user }) => {
    await toCheck(page, '20');
    await page.evaluate(() => {
      const form = document.getElementById('form');
      globalThis.forms = 0;
      new MutationObserver(() => { globalThis.forms += form.hidden ? 0 : 1; })
        .observe(form, { attributes: true });
      dispatchEvent(new PopStateEvent('popstate'));
      document.getElementById('withdraw').click();
    });
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
    assert.equal(await page.evaluate(() => globalThis.forms), 0);
  });

pageTest('a click on a page that was left and restored sends nothing',
  async ({ page, user }) => {
    await withdraw(page, '20');
    await phase(page, 'succeeded');
    await page.goBack();
    await formIsOpen(page);
    await page.click('#continue');
    await page.locator('#amount-error', { hasText: 'Enter the amount' })
      .waitFor();
    await page.goForward();
    await assertWithdrawnOnce(page, user, '20.00', '80.00');
  });

// Further downs without an up are what a held key sends.
async function hold(page, key) {
  for (let i = 0; i < 5; i++) await page.keyboard.down(key);
}

async function middle(page, selector) {
  const box = await page.locator(selector).boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}
