// Puts the state of the page into its elements, in the chosen language. It
// decides nothing; all texts come from words/, and go in as text, never as HTML.

import {
  currencySign, formatMoney, fromMinor, roomOf, toMinor,
} from './money.js';
import en from './words/en.js';
import zh from './words/zh.js';

export const ui = Object.fromEntries(
  [...document.querySelectorAll('[id]')].map((e) => [e.id, e]));

const RETRIES = new Set(['sign-in', 'stuck', 'refused', 'broken', 'signed-out']);
const FINAL = new Set(['succeeded', 'declined', 'review', 'void']);
const BADGES = {
  'due': 'done', 'paid': 'done', 'returned': 'back', 'declined': 'not',
  'review': 'review', 'void': 'closed', 'pending': 'wait', 'sign-in': 'ask',
  'signed-out': 'ask', 'stuck': 'ask', 'refused': 'ask', 'broken': 'ask',
  'unknown-order': 'ask',
};

const LANGUAGES = { en, zh };
const LANGUAGE_KEY = 'withdraw.language';

// What was chosen here before, or else the first of the browser's languages
// that there are words for.
let words = LANGUAGES[chosen()] ?? LANGUAGES[preferred()];

// All of it, whenever anything has changed.
export function render(state) {
  const t = language();
  document.documentElement.lang = t.locale ?? t.code;
  for (const element of document.querySelectorAll('[data-text]')) {
    setText(element, t.ui[element.dataset.text]);
  }
  renderBar(state);
  renderAccount(state, t);
  renderForm(state, t);
  renderCheck(state, t);
  renderOutcome(state, t);
  renderHistory(state, t);
  ui.footer.hidden = state.step !== 'message' && !state.history.loaded;
  document.documentElement.dataset.ready = '';
}

function renderBar({ session }) {
  const other = otherLanguage();
  setText(ui.language, other.switchTo);
  ui.language.lang = other.locale ?? other.code;
  ui['sign-out'].hidden = !session;
}

function renderAccount(state, t) {
  const { account, step, offline, settling } = state;
  ui.account.hidden = step === 'message' && !account;
  setText(ui.offline, offline ? t.offline[settling ? 'busy' : 'idle'] : '');
  ui.offline.hidden = !offline;
  setText(ui.storage, state.lasting ? '' : t.storage);
  ui.storage.hidden = state.lasting;
  ui['under-way'].hidden = !state.underWay;
  setText(ui.balance, account ? money(account.balance, account) : '\u00a0');
  setText(ui['account-name'], account
    ? `${t.account(account.user_id)} \u00b7 ${account.currency}` : '\u00a0');
  setText(ui['account-note'], t.accountNote[state.accountNote] ?? '');
  ui.balance.ariaBusy = String(state.refreshing);
}

function renderForm({ account, step, fault, busy }, t) {
  const room = account && roomOf(account);
  const said = account && sayRoom(account, room);
  const barred = Boolean(account && room.bar);
  ui.form.hidden = !['loading', 'amount'].includes(step);
  ui.fields.disabled = step !== 'amount';
  setText(ui.currency, account ? sign(account) : '');
  setText(ui.range, !account ? '\u00a0'
    : room.bar ? t.faults[room.bar](said) : t.range(said));
  ui.range.toggleAttribute('data-bar', barred);
  setText(ui.day, account ? t.day(said) : '\u00a0');
  ui.day.hidden = barred;
  ui.all.disabled = !account || barred;
  ui.continue.ariaBusy = String(busy);
  setText(ui['amount-error'], fault ? t.faults[fault](said) : '');
  ui.amount.setAttribute('aria-invalid', String(Boolean(fault)));
}

// What the words need to say what may be withdrawn.
function sayRoom(account, { least, most, left }) {
  const sum = (amount) => (amount === null ? '' : money(amount, account));
  return {
    balance: sum(account.balance),
    least: sum(least),
    most: sum(most),
    max: sum(account.max_amount),
    left: sum(left),
    count: account.daily_count_left,
    resets: account.resets_at ? moment(account.resets_at) : '',
  };
}

function renderCheck({ account, step, amount, repeat, armed }, t) {
  ui.check.hidden = step !== 'check';
  if (step !== 'check') return;
  const sum = money(amount, account);
  const after = toMinor(account.balance) - toMinor(amount);
  ui.withdraw.disabled = !armed;
  setText(ui.withdraw, repeat ? t.actAnother(sum) : t.act(sum));
  showFacts(ui['check-facts'], [
    [t.check.amount, sum],
    [t.check.before, money(account.balance, account)],
    [t.check.after, after >= 0n ? money(fromMinor(after), account) : ''],
  ]);
  ui.repeat.hidden = !repeat;
  if (!repeat) return;
  setText(ui['repeat-title'], t.repeat.title(sum));
  setText(ui['repeat-text'], t.repeat.text(sum, moment(repeat.created_at)));
  ui['repeat-link'].href = receipt(repeat.order_id);
}

function renderOutcome(state, t) {
  const { step, outcome, account } = state;
  const shown = ['settling', 'outcome', 'message'].includes(step) && outcome;
  ui.outcome.hidden = !shown;
  ui.outcome.dataset.phase = shown ? outcome.phase : '';
  const said = shown ? describe(outcome, account, t) : { title: '', text: '' };
  const record = shown ? outcome.record : null;
  const order = record?.order_id ?? (shown ? outcome.order?.order_id : null);
  const payout = shown && outcome.phase === 'succeeded' ? kind(record) : '';
  const settling = step === 'settling';
  const phase = ui.outcome.dataset.phase;

  ui.outcome.dataset.payout = payout;
  setText(ui.title, step === 'settling' || (step === 'outcome' && order)
    ? t.title.receipt : t.title.home);
  document.title = said.title ? `${said.title} - ${t.ui.brand}` : t.ui.brand;
  setText(ui['outcome-title'], said.title);
  setText(ui['outcome-text'], said.text);
  setText(ui['outcome-sum'], shown ? sumOf(outcome, account) : '');
  setText(ui['outcome-notice'], shown ? notice(outcome, account, t) : '');
  setText(ui['outcome-note'], settling ? attempts(outcome, t) : '');
  setText(ui.live, settling ? `${said.title}. ${said.text}` : '');
  badge(ui['outcome-badge'], settling || phase === 'looking'
    ? 'spin' : BADGES[payout || phase]);
  track(ui['outcome-track'], payout, record, t);
  showFacts(ui['outcome-facts'], record ? facts(record, t)
    : [[t.facts.order, order]]);

  ui.stop.hidden = !settling || phase === 'stopping' || phase === 'claiming';
  ui['stop-hint'].hidden = ui.stop.hidden;
  ui['sign-in'].hidden = !['sign-in', 'signed-out'].includes(phase);
  ui['sign-in'].href = `/sign-in.html?next=${
    encodeURIComponent(location.pathname + location.search)}`;
  ui.again.hidden = !RETRIES.has(phase);
  ui.new.hidden = settling || !(FINAL.has(phase) || phase === 'unknown-order');
  ui.print.hidden = !(step === 'outcome' && record);
  ui['receipt-hint'].hidden = ui.print.hidden;
}

// The heading and the sentence of an outcome.
function describe({ phase, order, record, stopped, refusal, why }, account, t) {
  const sum = record?.amount ? money(record.amount, record)
    : order ? money(order.amount, account) : '';
  const said = refusal ? t.said(refusal.title ?? '', refusal.detail ?? '') : '';
  switch (phase) {
    case 'claiming':
    case 'sending':
      return t.progress.sending(sum);
    case 'checking':
    case 'stopping': {
      const { title, text } = t.progress[phase](sum);
      return { title, text: [t.why[why], text].filter(Boolean).join(' ') };
    }
    case 'succeeded': {
      const state = kind(record);
      return state === 'due' ? t.outcome.succeeded(sum, { stopped })
        : t.outcome[state](sum);
    }
    case 'declined':
      return t.outcome.declined(sum, { why: declined(record, sum, t) });
    case 'review':
      return t.outcome.review(sum);
    case 'void':
      return t.outcome.void(sum, { said });
    case 'sign-in':
      return t.outcome.signIn(sum);
    case 'stuck':
      return t.outcome.stuck(sum, { said });
    case 'signed-out':
      return t.message.signIn;
    case 'looking':
      return t.message.looking;
    case 'unknown-order':
      return t.message.unknownOrder;
    case 'refused':
      return t.message.refused(refusal?.title, refusal?.detail);
    default:
      return t.message.broken;
  }
}

function declined(record, sum, t) {
  const say = t.declined[record.reason] ?? t.declined.other;
  return say({
    money: sum,
    balance: record.balance_after ? money(record.balance_after, record) : '',
    resets: record.resets_at ? moment(record.resets_at) : '',
    reason: record.reason,
  });
}

function notice({ joined, order, phase }, account, t) {
  if (!joined || phase === 'claiming') return '';
  const sum = money(order.amount, account);
  if (joined === 'elsewhere') return t.joined.elsewhere;
  return joined === order.amount ? t.joined.same(sum)
    : t.joined.other(sum, money(joined, account));
}

function attempts({ attempt, until }, t) {
  const seconds = Math.ceil((until - Date.now()) / 1000);
  if (seconds > 0) return t.wait(attempt, seconds);
  return attempt > 1 ? t.attempt(attempt) : '';
}

function sumOf({ record, order }, account) {
  if (record?.amount) return money(record.amount, record);
  return order ? money(order.amount, account) : '';
}

function facts(record, t) {
  const at = record.payout_at ? moment(record.payout_at) : '';
  const payout = t.payout[record.payout ?? 'due'];
  return [
    [t.facts.amount, record.amount && money(record.amount, record)],
    [t.facts.balance,
      record.balance_after && money(record.balance_after, record)],
    [t.facts.time, time(record.created_at)],
    [t.facts.order, record.order_id],
    [t.facts.payout, record.status === 'succeeded'
      && (typeof payout === 'function' ? payout(at) : payout)],
    [t.facts.reference, record.payout_reference],
  ];
}

// The way of the money, as steps.
function track(list, payout, record, t) {
  const steps = !payout ? []
    : payout === 'due' ? [['withdrawn', 'done'], ['due', 'now'],
      ['later', 'next']]
      : [['withdrawn', 'done'], [payout, 'done']];
  list.hidden = steps.length === 0;
  list.replaceChildren(...steps.map(([step, state], i) => {
    const item = document.createElement('li');
    item.dataset.state = state;
    const mark = document.createElement('span');
    mark.className = 'mark';
    mark.ariaHidden = 'true';
    if (state === 'done') badge(mark, step === 'returned' ? 'back' : 'done');
    const text = document.createElement('span');
    const at = i === 0 ? record.created_at : record.payout_at;
    text.append(t.track[step], small(state === 'done' && at
      ? moment(at) : t.track[state]));
    item.append(mark, text);
    return item;
  }));
}

function renderHistory(state, t) {
  const { history, settling, outcome, account } = state;
  ui.history.hidden = !account || !history.loaded;
  const rows = history.items.map((record) => row(record, t));
  const order = settling?.order
    ?? (outcome?.record ? null : outcome?.order);
  if (order?.order_id && !history.items.some((r) => r.order_id === order.order_id)) {
    rows.unshift(row({ ...order, status: 'pending',
      currency: account.currency }, t));
  }
  setText(ui['history-note'], history.failed ? t.history.waiting
    : rows.length === 0 ? t.history.empty : '');
  ui['history-rows'].hidden = rows.length === 0;
  replaceRows(ui['history-rows'], rows);
  ui.more.hidden = history.next === null;
  ui.more.ariaBusy = String(history.busy);
}

function row(record, t) {
  const state = kind(record);
  const item = document.createElement('li');
  item.dataset.order = record.order_id;
  item.dataset.state = state;
  const mark = document.createElement('span');
  mark.className = 'mark';
  mark.ariaHidden = 'true';
  badge(mark, BADGES[state]);
  const link = document.createElement('a');
  link.href = receipt(record.order_id);
  link.className = 'row-text';
  link.append(t.states[state]);
  const why = state === 'declined' ? t.reasons[record.reason] : '';
  if (why) link.append(`: ${why}`);
  const at = document.createElement('span');
  at.className = 'quiet';
  if (record.created_at) at.append(time(record.created_at, moment));
  const text = document.createElement('span');
  text.append(link, at);
  const sum = document.createElement('span');
  sum.className = 'row-sum';
  sum.append(record.amount ? money(record.amount, record) : '\u2013');
  item.append(mark, text, sum);
  return item;
}

// Only those that differ: who has the focus on one, or is reading, stays there.
function replaceRows(list, rows) {
  const old = new Map([...list.children].map((e) => [e.dataset.order, e]));
  const wanted = rows.map((r) => {
    const before = old.get(r.dataset.order);
    return before && before.isEqualNode(r) ? before : r;
  });
  if (wanted.length !== list.children.length
      || wanted.some((e, i) => list.children[i] !== e)) {
    list.replaceChildren(...wanted);
  }
}

// What became of an order, in one word.
export function kind(record) {
  if (record.status === 'succeeded') return record.payout ?? 'due';
  if (record.reason === 'account-frozen') return 'review';
  return record.status;
}

function receipt(orderId) {
  return `/?order=${encodeURIComponent(orderId)}`;
}

function money(amount, { currency }) {
  return formatMoney(amount, currency, locale());
}

function sign({ currency }) {
  return currencySign(currency, locale());
}

// To the minute, for sentences.
function moment(at) {
  return new Date(at).toLocaleString(locale(),
    { dateStyle: 'medium', timeStyle: 'short' });
}

// To the second and with its zone, for receipts.
function exactly(at) {
  return new Date(at).toLocaleString(locale(), {
    year: 'numeric', month: 'long', day: 'numeric', hour: '2-digit',
    minute: '2-digit', second: '2-digit', timeZoneName: 'short',
  });
}

function time(at, write = exactly) {
  const element = document.createElement('time');
  element.dateTime = at;
  element.textContent = write(at);
  return element;
}

function small(text) {
  const element = document.createElement('small');
  element.textContent = text;
  return element;
}

function badge(element, icon) {
  if (element.dataset.icon === (icon ?? '')) return;
  element.dataset.icon = icon ?? '';
  element.replaceChildren();
  if (!icon || icon === 'spin') return;
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('class', 'icon');
  const use = document.createElementNS(space, 'use');
  use.setAttribute('href', `#icon-${icon}`);
  svg.append(use);
  element.append(svg);
}

function showFacts(list, rows) {
  const wanted = rows.filter(([, value]) => value).map(([name, value]) => {
    const pair = document.createElement('div');
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.append(name);
    description.append(value);
    pair.append(term, description);
    return pair;
  });
  list.hidden = wanted.length === 0;
  list.replaceChildren(...wanted);
}

// A live region is read out whenever it is written, so only when it changes.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// ---- the language, of the sign-in page too ----

export function language() {
  return words;
}

// The language that a click would lead to.
export function otherLanguage() {
  return words === en ? zh : en;
}

export function switchLanguage() {
  words = otherLanguage();
  try {
    localStorage.setItem(LANGUAGE_KEY, words.code);
  } catch {
    // for this visit then
  }
}

// For Intl: with the browser's region, if it is one of this language.
function locale() {
  return words.locale ?? navigator.languages.find(
    (tag) => tag.toLowerCase().startsWith(words.code)) ?? words.code;
}

function preferred() {
  return navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase())
    .find((code) => code in LANGUAGES) ?? 'en';
}

function chosen() {
  try {
    return localStorage.getItem(LANGUAGE_KEY);
  } catch {
    return null;
  }
}
