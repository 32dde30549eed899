// Two languages that say the same, chosen by the browser, switched by a person.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  WITHDRAW, formIsOpen, pageTest, phase, textOf, toCheck, unavailable, withdraw,
} from './page.mjs';
import { BASE_URL, openPage, signIn } from './stack.mjs';
import { theBrowser } from './page.mjs';
import en from '../../static/words/en.js';
import zh from '../../static/words/zh.js';

const MONEY = await import('../../static/money.js');

// Every text with its kind and, for a function, the number of its parameters.
function shape(words, path = '') {
  return Object.entries(words).flatMap(([key, value]) => {
    const at = `${path}.${key}`;
    if (value !== null && typeof value === 'object') return shape(value, at);
    return typeof value === 'function' ? `${at}(${value.length})` : at;
  }).sort();
}

test('both languages have every text', () => {
  assert.deepEqual(shape(zh), shape(en));
});

test('amounts are exact, whatever their size', () => {
  const { formatMoney, fromMinor, readAmount, toMinor } = MONEY;
  assert.equal(formatMoney('9999999999999999.99', 'CNY', 'en'),
    '¥9,999,999,999,999,999.99');
  assert.equal(formatMoney('9007199254740993.10', 'CNY', 'zh-CN'),
    '¥9,007,199,254,740,993.10');
  assert.equal(formatMoney('0.1', 'EUR', 'de').replace(/\s/g, ' '), '0,10 €');
  assert.equal(fromMinor(toMinor('9999999999999.99') - toMinor('0.01')),
    '9999999999999.98');
  let x = 1;
  for (let i = 0; i < 10_000; i++) {
    x = (x * 48271) % 2147483647;
    const minor = BigInt(x) * BigInt(i);
    assert.equal(toMinor(fromMinor(minor)), minor);
    if (minor > 0n && minor < 10n ** 15n) {
      assert.equal(readAmount(fromMinor(minor)).amount, fromMinor(minor));
    }
  }
});

for (const [locale, lang, title] of [['zh-CN', 'zh-CN', '提现'],
  ['zh-TW', 'zh-CN', '提现'], ['en-GB', 'en', 'Withdraw money'],
  ['fr-FR', 'en', 'Withdraw money']]) {
  pageTest(`a browser in ${locale} gets ${lang}`, async () => {
    const { context } = await signIn(theBrowser(), '1234.50', { locale });
    try {
      const page = await openPage(context);
      await formIsOpen(page);
      assert.equal(await page.getAttribute('html', 'lang'), lang);
      assert.equal(await textOf(page, 'title'), title);
      assert.equal(await textOf(page, 'balance'), '¥1,234.50');
    } finally {
      await context.close();
    }
  });
}

pageTest('a switch keeps what is on the page, and is kept',
  async ({ page, context }) => {
    await toCheck(page, '60');
    await page.click('#language');
    assert.equal(await textOf(page, 'withdraw'), '提现 ¥60.00');
    await page.route(WITHDRAW, (route) => route.fulfill(unavailable(3600)));
    await page.click('#withdraw');
    await phase(page, 'checking');
    assert.equal(await textOf(page, 'outcome-title'), '正在确认');
    await page.click('#language');
    assert.equal(await textOf(page, 'outcome-title'), 'Checking');
    await page.click('#language');
    const next = await context.newPage();
    await next.goto(`${BASE_URL}/?order=x`);
    await phase(next, 'unknown-order');
    assert.equal(await textOf(next, 'outcome-title'), '没有这笔提现');
  });

pageTest('times are those of the reader', async ({ page }) => {
  await withdraw(page, '60');
  await phase(page, 'succeeded');
  assert.match(await textOf(page, 'outcome-facts'), / GMT\+8/);
}, { timezoneId: 'Asia/Shanghai' });
