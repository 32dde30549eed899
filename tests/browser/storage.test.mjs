// A browser that keeps no data for the site, and one that has no room: the page
// says so and works, and a reload still finds the order.

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  WITHDRAW, assertAgrees, balanceReads, formIsOpen, gate, pageTest, phase,
  shownOrder, unavailable, withdraw,
} from './page.mjs';
import {
  SUCCEEDED, basic, launchProfile, ledgerOf, openAccount, openPage,
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
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
  await withdraw(page, '60');
  await phase(page, 'checking');
  const order = await shownOrder(page);
  await page.unroute(WITHDRAW);
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

pageTest('a storage without room is like none', async ({ page, user }) => {
  await page.evaluate(() => {
    Storage.prototype.setItem = () => { throw new Error('no room'); };
  });
  await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
  await withdraw(page, '60');
  await phase(page, 'checking');
  await page.locator('#storage', { hasText: 'keeps no data' }).waitFor();
  const order = await shownOrder(page);
  await page.unroute(WITHDRAW);
  page.once('dialog', (dialog) => dialog.accept());
  await page.addInitScript(() => {
    Storage.prototype.setItem = () => { throw new Error('no room'); };
  });
  await page.reload();
  await assertOneSuccess(page, user, '40.00');
  assert.equal(await shownOrder(page), order, 'the same order');
});
