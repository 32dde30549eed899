// Two tabs that act at the same instant, again and again, by the page's own code
// and without the service: what one reads must be what the other has written.
// For pages of Playwright and of Puppeteer.

import assert from 'node:assert/strict';

export async function assertClaimsAgree(tabs) {
  for (const tab of tabs) {
    await tab.evaluate(async () => {
      const { PendingOrder } = await import('/order.js');
      const { Store } = await import('/store.js');
      globalThis.pending = new PendingOrder('1', new Store());
      await globalThis.pending.read();
    });
  }
  for (let round = 1; round <= 40; round++) {
    const claims = await Promise.all(tabs.map((tab) => tab.evaluate(
      () => globalThis.pending.claim('60.00', [], Date.now()))));
    const orders = new Set(claims.map(({ order }) => order.order_id));
    assert.equal(orders.size, 1, `one order, round ${round}`);
    assert.equal(claims.filter((c) => !c.joined).length, 1, 'and one maker');
    await tabs[0].evaluate(({ order_id, amount }) => globalThis.pending.settle(
      { order_id, amount, status: 'declined' }), claims[0].order);
  }
}
