// Examines a state of the page: axe-core (WCAG 2.2 AA) in both languages and both
// colour schemes, a screen of 320 pixels, and photographs for people to look at.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pageTest } from './page.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const FOLDER = process.env.SCREENSHOTS
  ?? fileURLToPath(new URL('../../build/screenshots', import.meta.url));
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
  'best-practice'];
const SCREENS = { wide: [1280, 900], narrow: [320, 640] };

let runs = 0;
mkdirSync(FOLDER, { recursive: true });
after(() => {
  console.log(`# ${runs} runs of axe-core; screenshots are in ${FOLDER}`);
});

// A state: how a page gets there.
export function stateTest(name, reach, options = {}) {
  pageTest(`everyone can use it: ${name}`, async (all) => {
    await reach(all);
    await examine(all.page, name);
    // axe-core is a script that the page's policy would not let in
  }, { bypassCSP: true, ...options });
}

async function examine(page, name) {
  await page.addScriptTag({ path: AXE });
  for (const language of ['en', 'zh']) {
    const button = page.locator('#language');
    const others = await button.count();
    if (others && (await button.getAttribute('lang')).startsWith(language)) {
      await button.click();
    }
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await settle(page);
      await axe(page, `${name}, ${language}, ${colorScheme}`);
      for (const [size, [width, height]] of Object.entries(SCREENS)) {
        await page.setViewportSize({ width, height });
        if (size === 'narrow') await fits(page, `${name}, ${language}`);
        await page.screenshot({
          path: `${FOLDER}/${name.replaceAll(/\W+/g, '-')}-${language}-${
            colorScheme}-${size}.png`,
          fullPage: true, animations: 'disabled',
        });
      }
    }
    if (!others) return;
  }
}

async function axe(page, where) {
  const { violations, passes } = await page.evaluate((tags) => (
    globalThis.axe.run(document, {
      runOnly: tags, rules: { 'target-size': { enabled: true } },
      resultTypes: ['violations'],
    })), TAGS);
  runs++;
  assert.ok(passes.length > 10, 'it looked');
  assert.deepEqual(violations.map((v) => (
    `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`)), [], where);
}

// What appears with a delay has appeared.
async function settle(page) {
  await page.evaluate(() => {
    for (const animation of document.getAnimations()) {
      if (animation.effect.getTiming().iterations !== Infinity) {
        animation.finish();
      }
    }
  });
}

export async function fits(page, where) {
  const [needed, there] = await page.evaluate(() => [
    document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(needed <= there, `${where}: ${needed} pixels wide in ${there}`);
}

export function refusal(status, code) {
  return {
    status,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      type: `/problems/${code}`, title: 'Not allowed', status,
      detail: 'Your sign-in may not do this.', order_state: 'unknown',
      safe_new_order: false,
    }),
  };
}
