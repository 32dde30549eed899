// What the page loads, and what it must not do: light, in one round trip,
// without moving, from its own origin alone, and never as HTML what a server
// says.

import assert from 'node:assert/strict';
import {
  ACCOUNT, WITHDRAW, formIsOpen, gate, keptOf, pageTest, phase, textOf, theBrowser,
  withdraw,
} from './page.mjs';
import {
  BASE_URL, freeze, ledgerOf, limit, openPage, signIn,
} from './stack.mjs';

const BUDGET = 40 * 1024;

pageTest('the page loads without violations, errors or foreign requests',
  async ({ context }) => {
    const page = await context.newPage();
    const faults = [];
    // a site's own login may have no session to end, which is a 404
    const isProbe = (url) => url.endsWith('/api/session');
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())
          && !isProbe(message.location().url)) {
        faults.push(message.text());
      }
    });
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(BASE_URL)) faults.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400 && !isProbe(response.url())) {
        faults.push(`${response.status()} ${response.url()}`);
      }
    });
    for (const path of ['/', '/problems.html', '/problems/busy']) {
      const response = await page.goto(BASE_URL + path,
        { waitUntil: 'networkidle' });
      const policy = response.headers()['content-security-policy'] ?? '';
      assert.match(policy, /default-src 'none'/, path);
      assert.doesNotMatch(policy, /unsafe/, path);
    }
    assert.equal(await page.locator('.problem:target').getAttribute('id'),
      'busy', 'the type of a problem leads to its explanation');
    await page.goto(BASE_URL);
    await withdraw(page, '10');
    await phase(page, 'succeeded');
    await page.click('#language');
    assert.deepEqual(faults, []);
  });

pageTest('the first load is light', async ({ user, context }) => {
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.setCacheDisabled', { cacheDisabled: true });
  const sizes = new Map();
  const urls = new Map();
  cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
    urls.set(requestId, request.url.slice(BASE_URL.length));
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    sizes.set(urls.get(requestId), encodedDataLength);
  });
  await page.goto(BASE_URL, { waitUntil: 'networkidle' });
  await formIsOpen(page);
  const total = [...sizes.values()].reduce((a, b) => a + b, 0);
  const list = [...sizes].map(([url, n]) => `${url} ${n}`).join(', ');
  console.log(`# first load: ${total} bytes in ${sizes.size} answers, `
    + `headers and all (${list})`);
  assert.ok(sizes.get('/api/account?limits=1') > 0 && sizes.get('/withdraw.css') > 0);
  assert.ok(total < BUDGET, `${total} bytes: ${list}`);
  assert.equal((await ledgerOf(user)).records.length, 0);
});

pageTest('it is usable one round trip after the HTML', async ({ context }) => {
  const page = await context.newPage();
  const html = await (await context.request.get(BASE_URL)).text();
  const wanted = new Set([...html.matchAll(/(?:href|src)="(\/[^"]*\.(?:js|css))"/g)]
    .map((m) => m[1]).concat('/api/account?limits=1'));
  const answers = gate();
  const all = gate();
  const asked = [];
  await page.route('**/*', async (route) => {
    const request = route.request();
    if (request.resourceType() === 'document') return route.continue();
    const path = request.url().slice(BASE_URL.length);
    asked.push(path);
    wanted.delete(path);
    if (wanted.size === 0) all.open();
    await answers.opened;
    return route.continue();
  });
  await page.goto(BASE_URL, { waitUntil: 'commit' });
  await all.opened;
  // all of these were asked for before any was answered
  const first = asked.length;
  answers.open();
  await formIsOpen(page);
  const later = asked.slice(first).filter((path) => !(
    path.startsWith('/api/withdrawals?') || path === '/api/session'
    || path === '/icon.svg'));
  assert.deepEqual(later, [], 'nothing else was needed');
  console.log(`# one round trip after the HTML: ${first} requests at once`);
});

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };
const LIMITS = { min: '5', max: '60', count: '2', sum: '80' };

for (const [name, viewport, prepare] of [
  ['wide', WIDE, () => {}], ['narrow', NARROW, () => {}],
  ['narrow, limits', NARROW, (user) => limit(user, LIMITS)],
  ['wide, limits', WIDE, (user) => limit(user, LIMITS)],
  ['narrow, in review', NARROW, freeze], ['wide, in review', WIDE, freeze],
]) {
  pageTest(`nothing moves while it loads, ${name}`, async ({ user, context }) => {
    const page = await context.newPage();
    await prepare(user);
    await page.setViewportSize(viewport);
    const account = gate();
    const list = gate();
    await page.route(ACCOUNT, async (route) => {
      await account.opened;
      await route.continue();
    });
    await page.route('**/api/withdrawals?*', async (route) => {
      await list.opened;
      await route.continue();
    });
    await page.addInitScript(() => {
      globalThis.shifts = [];
      new PerformanceObserver((entries) => {
        for (const { value, sources } of entries.getEntries()) {
          globalThis.shifts.push([value, ...sources.map((s) => (
            s.node?.id || s.node?.className || s.node?.nodeName))]);
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(BASE_URL, { waitUntil: 'commit' });
    await page.locator('html[data-ready]').waitFor();
    await painted(page);
    account.open();
    await formIsOpen(page);
    await painted(page);
    list.open();
    await page.locator('#history').waitFor();
    await painted(page);
    const shifts = await page.evaluate(() => globalThis.shifts);
    console.log(`# layout shift, ${name}: `
      + `${shifts.reduce((sum, [value]) => sum + value, 0)}`);
    assert.deepEqual(shifts, []);
  });
}

pageTest('without JavaScript there is a clear message', async () => {
  const { context } = await signIn(theBrowser(), '100.00',
    { javaScriptEnabled: false });
  try {
    const page = await openPage(context);
    assert.match(await page.locator('body').innerText(),
      /This page needs JavaScript[^]*nothing is sent[^]*需要 JavaScript/);
    assert.equal(await page.locator('form').first().isVisible(), false);
  } finally {
    await context.close();
  }
});

pageTest('scripts that do not come through are said to be missing',
  async ({ context }) => {
    const page = await context.newPage();
    await page.route('**/order.js', (route) => route.abort('connectionreset'));
    await page.goto(BASE_URL);
    await page.evaluate(() => {
      for (const animation of document.getAnimations()) animation.finish();
    });
    assert.match(await page.locator('.late').innerText(),
      /not complete[^]*reload it/);
    assert.equal(await page.locator('form').first().isVisible(), false);
  });

pageTest('another site cannot frame it', async ({ context }) => {
  const page = await context.newPage();
  await page.setContent(`<iframe src="${BASE_URL}"></iframe>`,
    { waitUntil: 'load' });
  assert.match(page.frames()[1].url(), /^chrome-error:/);
});

pageTest('texts of the server are texts', async ({ page, user }) => {
  const evil = '<img src=x onerror="globalThis.evil = 1"><b>bold</b>';
  await page.route(WITHDRAW, (route) => route.fulfill({
    status: 400,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: '/problems/malformed', title: evil, status: 400, detail: evil,
      order_state: 'unknown', safe_new_order: false,
    }),
  }));
  await withdraw(page, '100');
  await phase(page, 'void');
  assert.ok((await textOf(page, 'outcome-text')).includes(evil));
  assert.equal(await page.locator('main img, main b').count(), 0);
  assert.equal(await page.evaluate(() => globalThis.evil), undefined);
  // and the browser would not let it be otherwise
  await assert.rejects(page.evaluate((html) => {
    document.getElementById('outcome').innerHTML = html;
  }, evil), /TrustedHTML/);
  assert.equal((await ledgerOf(user)).balance, '100.00');
});

pageTest('no secret is stored', async ({ page, context }) => {
  let token;
  const sent = gate();
  await page.route(WITHDRAW, (route) => {
    ({ token } = JSON.parse(route.request().postData()));
    sent.open();
  }, { times: 1 });
  await withdraw(page, '100');
  await sent.opened;
  const kept = JSON.stringify([
    await page.evaluate(() => [
      { ...localStorage }, { ...sessionStorage }, history.state, document.cookie,
    ]),
    await keptOf(page),
    await context.cookies(),
  ]);
  assert.ok(token.length > 20);
  assert.ok(!kept.includes(token), kept);
  assert.match(kept, /order_id/);
});

pageTest('nobody signed in is told so, and where to sign in', async ({ page }) => {
  await page.route(ACCOUNT, (route) => route.fulfill({
    status: 401, contentType: 'application/problem+json',
    body: '{"type":"/problems/unauthenticated"}',
  }));
  await page.goto(`${BASE_URL}/?order=6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00`);
  await phase(page, 'signed-out');
  assert.equal(await textOf(page, 'outcome-title'), 'Nobody is signed in');
  assert.equal(await page.getAttribute('#sign-in', 'href'), '/sign-in.html?next='
    + '%2F%3Forder%3D6f1b0c1e-6a53-4d7e-9c1c-0a7f3c2b1d00');
  assert.equal(await page.locator('#account').isVisible(), false);
  assert.equal(await page.locator('#form').isVisible(), false);
});

// The session's calls belong to a sign-in that a site may not have: they are
// played here.
pageTest('a sign-in that can be ended has a button for it', async ({ page }) => {
  assert.equal(await page.locator('#sign-out').isVisible(), false);
  const calls = [];
  await page.route('**/api/session', (route) => {
    calls.push(route.request().method());
    return route.fulfill({ status: calls.length > 2 ? 204 : 200 });
  });
  await page.route('**/sign-in.html', (route) => route.fulfill({
    contentType: 'text/html', body: '<h1>Sign in</h1>',
  }));
  await page.reload();
  await page.click('#sign-out');
  await page.waitForURL('**/sign-in.html');
  assert.deepEqual(calls, ['GET', 'DELETE']);
});

async function painted(page) {
  await page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => requestAnimationFrame(resolve));
  }));
}
