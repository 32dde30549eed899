// The network is reset at a random moment of the flow: at some byte of all that
// passes from the check step to the final answer; in some runs twice, and in
// some the page is reloaded besides. Each intent is debited once, and the
// page's last words are the ledger's.
//
//   RUNS=500 SEED=7 node --test random.test.mjs

import assert from 'node:assert/strict';
import { formIsOpen, pageTest, phase, shownOrder, textOf, withdraw } from
  './page.mjs';
import { startProxy } from './proxy.mjs';
import { SUCCEEDED, ledgerOf } from './stack.mjs';

const RUNS = Number(process.env.RUNS ?? 30);
// bytes: what one undisturbed run sends and receives, about
const SPAN = 6000;
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

// xorshift: the same moments for the same seed
function randomOf(seed) {
  let x = (seed * 2654435761 + 1) >>> 0 || 1;
  return (n) => {
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x % n;
  };
}

pageTest(`reset at a random moment, ${RUNS} runs`, async ({ page, user }) => {
  const random = randomOf(SEED);
  console.log(`# SEED=${SEED} RUNS=${RUNS}`);
  const resets = [];
  let passed = 0;
  const proxy = await startProxy({
    bytes(n) {
      passed += n;
      if (!resets.length || passed < resets[0]) return false;
      resets.shift();
      return true;
    },
  });
  let hit = 0;
  try {
    await page.goto(proxy.url);
    await formIsOpen(page);
    for (let run = 1; run <= RUNS; run++) {
      const amount = `${run}.${String(random(100)).padStart(2, '0')}`;
      passed = 0;
      resets.push(random(SPAN));
      if (random(4) === 0) resets.push(resets[0] + 1 + random(SPAN));
      const planned = resets.length;
      const reload = random(8) === 0;

      await withdraw(page, amount);
      if (reload && !await survives(page)) {
        // reloaded before the click had made an order: nothing was sent
        const { records } = await ledgerOf(user);
        assert.equal(records.length, run - 1, `run ${run}, SEED=${SEED}`);
        await withdraw(page, amount);
      }
      await phase(page, 'succeeded');
      hit += planned - resets.length;
      resets.length = 0;

      const { records, debits } = await ledgerOf(user);
      const last = records.at(-1);
      const where = `run ${run}, SEED=${SEED}`;
      assert.equal(records.length, run, `one order an intent: ${where}`);
      assert.equal(debits.length, run, `one debit an intent: ${where}`);
      assert.equal(last.status, SUCCEEDED, where);
      assert.equal(Number(last.amount), Number(amount), where);
      assert.equal(await shownOrder(page), last.order_id, where);
      assert.equal(await textOf(page, 'outcome-title'), 'Withdrawn', where);
      const facts = (await textOf(page, 'outcome-facts')).replaceAll(',', '');
      assert.ok(facts.includes(`¥${last.amount}`), where);
      assert.ok(facts.includes(`¥${last.balance_after}`), where);
      await page.evaluate(() => document.getElementById('new').click());
      await formIsOpen(page);
    }
  } finally {
    await proxy.close();
  }
  console.log(`# ${RUNS} runs, ${hit} resets while an order was under way`);
  assert.ok(hit > RUNS / 4, `the moments were those of the flow: ${hit}`);
}, { balance: '1000000.00', timeout: 60_000 + RUNS * 5_000 });

// Whether a reload finds the order. It may meet the reset as well, and get a
// page without some of its scripts; a person tries again.
async function survives(page) {
  for (;;) {
    try {
      await page.reload({ waitUntil: 'load' });
      if (await page.locator('html[data-ready]').count()) break;
    } catch {
      // the network failed: again
    }
  }
  const order = page.locator('#outcome:not([data-phase=""])');
  await page.locator('#fields:enabled').or(order).first().waitFor();
  return await order.count() > 0;
}
