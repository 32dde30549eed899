// When the page asks again: later each time, at a moment that chance has a part in,
// and never before the server said. The clock stands, and chance is what the
// test says.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import {
  WITHDRAW, assertWithdrawnOnce, formIsOpen, gate, pageTest, pendingOrder,
  phase, toCheck, unavailable,
} from './page.mjs';
import { Backoff } from '../../static/api.js';

// The waits of a fresh backoff, for what the server asks and chance gives.
function waits(...asked) {
  const backoff = new Backoff();
  return asked.map(([ms, chance]) => {
    mock.method(Math, 'random', () => chance);
    const wait = Math.round(backoff.next(ms));
    mock.restoreAll();
    return wait;
  });
}

test('each wait may be twice the one before, up to a bound', () => {
  const ones = Array(8).fill([0, 1]);
  assert.deepEqual(waits(...ones),
    [400, 800, 1600, 3200, 6400, 12800, 15000, 15000]);
  // chance takes up to a half of each
  assert.deepEqual(waits(...ones.map(() => [0, 0])),
    [200, 400, 800, 1600, 3200, 6400, 7500, 7500]);
});

test('Retry-After is the least, and chance adds to it', () => {
  assert.deepEqual(waits([5000, 0], [5000, 0.5], [5000, 1]),
    [5000, 5500, 6000]);
  // one that is shorter than our own wait changes nothing
  assert.deepEqual(waits([0, 1], [0, 1], [0, 1], [1000, 1]).at(-1), 3200);
  // and one that no timer could count is cut
  assert.deepEqual(waits([1e12, 0]), [3_600_000]);
});

// [Retry-After in s, chance, the wait that follows in ms]
const ANSWERS = [
  [0, 0, 200], [0, 1, 800], [0, 0.5, 1200], [2, 0.5, 2400], [10, 1, 12_000],
  [10, 0, 10_000],
];

pageTest('an order is asked for again just when it is due',
  async ({ page, user }) => {
    await page.addInitScript(() => { Math.random = () => globalThis.chance; });
    await page.clock.install();
    await page.reload();
    await formIsOpen(page);
    await toCheck(page, '100');

    let sent = 0;
    let arrived = gate();
    await page.route('**/api/token', (route) => {
      sent++;
      arrived.open();
      return route.continue();
    });
    await page.route(WITHDRAW, (route) => {
      const answer = ANSWERS[sent - 1];
      return answer ? route.fulfill(unavailable(answer[0])) : route.continue();
    });
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.evaluate((value) => { globalThis.chance = value; },
      ANSWERS[0][1]);
    await page.click('#withdraw');
    for (const [i, [, , wait]] of ANSWERS.entries()) {
      await arrived.opened;
      arrived = gate();
      await page.locator('#outcome-note',
        { hasText: `Attempt ${i + 1}. Asking again` }).waitFor();
      await page.evaluate((value) => { globalThis.chance = value; },
        ANSWERS[i + 1]?.[1] ?? 0);
      await page.clock.runFor(wait - 1);
      // what has been sent by now is here before this; it is kept, then sent
      await pendingOrder(page, user);
      await page.evaluate(() => fetch('/icon.svg?now'));
      assert.equal(sent, i + 1, `not before ${wait} ms`);
      await page.clock.runFor(1);
    }
    await arrived.opened;
    await page.clock.resume();
    await phase(page, 'succeeded');
    assert.equal(sent, ANSWERS.length + 1);
    await assertWithdrawnOnce(page, user, '100.00', '0.00');
  });
