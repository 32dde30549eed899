// Amounts are decimal texts, as the service has them: "100.00". They are never
// made a number, which would round above 2^53 minor units; BigInt counts them.

const AMOUNT = /^(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?$/;
// of any account
const LEAST = '0.01';
const GROUPED = /^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$/;

// The server's rule, to the letter.
export function isAmount(text) {
  return AMOUNT.test(text) && /[1-9]/.test(text);
}

export function toMinor(text) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(2, '0'));
}

export function fromMinor(minor) {
  return `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`;
}

export function same(one, other) {
  return toMinor(one) === toMinor(other);
}

// What may be withdrawn now, as far as the account says; the ledger decides.
//   least, most   of one withdrawal
//   left          of the day, null where it has no limit
//   bar           what stands against any: frozen, count, empty, little, day, ''
export function roomOf(account) {
  const { state, balance, daily_count_left: count, daily_sum_left: left } = account;
  const least = account.min_amount ?? LEAST;
  const most = [balance, account.max_amount, left].filter((a) => a !== null)
    .reduce((a, b) => (isLess(b, a) ? b : a));
  const bar = state === 'frozen' ? 'frozen' : count === 0 ? 'count'
    : toMinor(balance) === 0n ? 'empty' : isLess(balance, least) ? 'little'
      : left !== null && isLess(left, least) ? 'day' : '';
  return { least, most, left, bar };
}

// Why this amount would be declined, or ''.
export function faultOf(amount, account) {
  const { least, left, bar } = roomOf(account);
  if (bar === 'frozen' || bar === 'count') return bar;
  if (isLess(account.balance, amount)) return 'balance';
  if (isLess(amount, least)) return 'least';
  if (account.max_amount !== null && isLess(account.max_amount, amount)) {
    return 'most';
  }
  return left !== null && isLess(left, amount) ? 'day' : '';
}

function isLess(a, b) {
  return toMinor(a) < toMinor(b);
}

// What a person typed, as an amount in its one spelling ("1,000" is
// "1000.00"), or what is wrong with it: { amount } or { fault }, one of
// missing, shape, decimals, zero, large. Full-width digits, as a Chinese
// keyboard has them, a currency's sign and grouping commas are understood; the
// check step shows what was.
export function readAmount(typed) {
  let text = typed.normalize('NFKC').replaceAll('\u3002', '.').trim()
    .replace(/^\p{Sc}\s*/u, '');
  if (GROUPED.test(text)) text = text.replaceAll(',', '');
  if (text === '') return { fault: 'missing' };
  if (/^[0-9]+\.[0-9]{3,}$/.test(text)) return { fault: 'decimals' };
  if (/^[1-9][0-9]{13}/.test(text)) return { fault: 'large' };
  if (/^0(\.0{1,2})?$/.test(text)) return { fault: 'zero' };
  if (!isAmount(text)) return { fault: 'shape' };
  return { amount: fromMinor(toMinor(text)) };
}

const formats = new Map();

// As the language writes it, to the last digit: Intl arranges the whole
// part, which a BigInt carries exactly, and the decimals are put in as they
// are.
export function formatMoney(amount, currency, locale) {
  const [whole, fraction = ''] = amount.split('.');
  return partsOf(BigInt(whole), currency, locale)
    .map(({ type, value }) => (
      type === 'fraction' ? fraction.padEnd(2, '0') : value))
    .join('');
}

export function currencySign(currency, locale) {
  return partsOf(0n, currency, locale)
    .find(({ type }) => type === 'currency')?.value ?? currency;
}

function partsOf(whole, currency, locale) {
  const key = `${locale} ${currency}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat(locale, {
      style: 'currency', currency, currencyDisplay: 'narrowSymbol',
      minimumFractionDigits: 2, maximumFractionDigits: 2,
    }));
  }
  return formats.get(key).formatToParts(whole);
}
