// Which step the page is at, and what leads to the next. What an order needs is
// in order.js, how a step looks in view.js.

import * as api from './api.js';
import { Backoff, Watch, sleep } from './api.js';
import { faultOf, readAmount, roomOf, same } from './money.js';
import {
  PendingOrder, REPEAT_MS, Settlement, isOrderId,
} from './order.js';
import { Store, Tabs } from './store.js';
import { kind, render, switchLanguage, ui } from './view.js';

const PAGE_ROWS = 10;
// what the check step waits for the newest balance and list
const FRESH_MS = 4_000;
// after the check step has come up under a clicking finger
const ARM_MS = 500;

const state = {
  // loading | amount | check | settling | outcome | message (no account)
  step: 'loading',
  account: null,
  accountNote: '',
  refreshing: false,
  session: false,
  offline: !navigator.onLine,
  lasting: true,
  underWay: false, // an order is, and another one is shown
  fault: '', // of the amount
  busy: false, // fetching what the check step shows
  amount: '',
  repeat: null, // a withdrawal that may be the same
  asked: [], // orders that the user has been asked about
  armed: false,
  settling: null, // { order, settlement }
  outcome: null, // see describe() in view.js
  history: { items: [], first: [], next: null, loaded: false, failed: false,
    busy: false },
};

const store = new Store();
const watch = new Watch(lookAgain);
let pending = null;
let tabs = null;
let refreshing = new AbortController();
let listing = new AbortController();
let visit = new AbortController(); // of an address

on(ui.form, 'submit', review);
on(ui.check, 'submit', act);
on(ui.change, 'click', () => history.back());
on(ui.all, 'click', () => {
  ui.amount.value = roomOf(state.account).most;
  show({ fault: '' });
  ui.amount.focus();
});
on(ui.amount, 'input', () => {
  if (state.fault) show({ fault: '' });
});
on(ui.language, 'click', () => {
  switchLanguage();
  show({});
});
on(ui['sign-out'], 'click', signOut);
on(ui.stop, 'click', () => {
  const { order, settlement } = state.settling;
  settlement.stop();
  tabs.tell('closing', { id: order.order_id });
  ui['outcome-title'].focus();
});
on(ui.again, 'click', () => location.reload());
on(ui.new, 'click', () => {
  store.go('/');
  openForm();
  ui.amount.focus();
});
on(ui.print, 'click', () => print());
on(ui.more, 'click', more);
on(window, 'popstate', route);
on(window, 'online', () => {
  show({ offline: false });
  state.settling?.settlement.wake();
  return lookAround();
});
on(window, 'offline', () => show({ offline: true }));
// restored whole, with what was true when it was left
on(window, 'pageshow', (event) => (event.persisted ? lookAround() : null));
on(document, 'visibilitychange', () => (
  document.visibilityState === 'visible' ? lookAround() : null));
addEventListener('beforeunload', (event) => {
  // the one thing that would be lost
  if (state.settling && !store.lasting) event.preventDefault();
});
setInterval(() => {
  if (state.outcome?.until > 0) show({});
}, 1000);

show({});
guard(start);

function on(target, kindOfEvent, action) {
  target.addEventListener(kindOfEvent, (event) => {
    if (kindOfEvent === 'submit') event.preventDefault();
    guard(() => action(event));
  });
}

// An error in the page must not look like an answer about the money.
async function guard(action) {
  try {
    await action();
  } catch (error) {
    console.error(error);
    show({ step: 'message', settling: null, outcome: { phase: 'broken' } });
  }
}

function show(changes) {
  Object.assign(state, changes);
  state.lasting = store.lasting;
  state.underWay = ['outcome', 'message'].includes(state.step)
    && isAnother(pending?.order);
  watch.set(isWaiting());
  render(state);
}

// Whether an order under way is not the one that is shown.
function isAnother(order) {
  return Boolean(order) && order.order_id !== state.outcome?.order?.order_id;
}

async function start() {
  const answer = await askAccount('waiting');
  if (!isAccount(answer)) {
    const phase = api.needsSignIn(answer) ? 'signed-out' : 'refused';
    show({ step: 'message', outcome: { phase, refusal: answer.body } });
    return;
  }
  takeAccount(answer);
  api.expectUser(state.account.user_id);
  pending = new PendingOrder(state.account.user_id, store);
  tabs = new Tabs(state.account.user_id, (message) => {
    guard(() => hear(message));
  });
  guard(listOrders);
  guard(async () => show({ session: await api.hasSession() }));
  await route();
}

// What the address asks for. An order without a final answer comes first,
// unless a receipt is asked for.
async function route() {
  if (!pending || state.step === 'settling') return;
  visit.abort();
  visit = new AbortController();
  const { signal } = visit;
  const wanted = new URLSearchParams(location.search).get('order');
  const order = await (wanted === null ? pending.read() : pending.find(wanted));
  // an act, or the way to another address, came first
  if (signal.aborted || state.step === 'settling') return;
  if (order) {
    await follow(order, { known: true });
  } else if (wanted === null) {
    openForm({ keep: state.step === 'check' });
  } else {
    await showReceipt(wanted, signal);
  }
}

// Nothing but this offers the form again, and it never carries the amount of
// an order over: the late clicks of an impatient user find nothing to send.
function openForm({ keep = false } = {}) {
  if (!keep) ui.amount.value = '';
  show({ step: 'amount', outcome: null, fault: '', repeat: null, asked: [] });
  if (keep) ui.amount.focus();
}

// ---- the amount, and the check of it ----------------------------------------

async function review() {
  if (state.step !== 'amount' || state.busy) return;
  const { amount, fault } = readAmount(ui.amount.value);
  if (fault) {
    refuse(fault);
    return;
  }
  show({ busy: true, fault: '' });
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), FRESH_MS);
  const [answer, list] = await Promise.all([
    api.getAccount(timeout.signal),
    api.listOrders({ limit: PAGE_ROWS }, timeout.signal),
    pending.read(),
  ]);
  clearTimeout(timer);
  show({ busy: false });
  // an order of another tab may have come up meanwhile
  if (state.step !== 'amount') return;
  if (isAccount(answer)) {
    if (isSomebodyElse(answer)) {
      location.reload();
      return;
    }
    takeAccount(answer);
    const standing = faultOf(amount, state.account);
    if (standing) {
      refuse(standing);
      return;
    }
  } else if (api.needsSignIn(answer)) {
    location.reload();
    return;
  }
  takeList(list);
  store.go('/');
  openCheck(amount, likeIt(amount, list.now));
}

function refuse(fault) {
  show({ fault });
  ui.amount.focus();
}

function openCheck(amount, repeat) {
  show({
    step: 'check', outcome: null, amount, repeat, armed: false,
    asked: repeat ? [...state.asked, repeat.order_id] : state.asked,
  });
  ui['check-title'].focus();
  setTimeout(() => show({ armed: true }), ARM_MS);
}

// A success of the same amount so soon before now that this one may be meant
// as the same.
function likeIt(amount, now) {
  const recent = state.history.items.find((r) => r.status === 'succeeded'
    && r.payout !== 'returned' && same(r.amount, amount)
    && (now ?? Date.now()) - Date.parse(r.created_at) < REPEAT_MS);
  return recent ?? pending.lastLike(amount);
}

async function act() {
  if (state.step !== 'check' || !state.armed) return;
  const { amount, asked } = state;
  const at = Date.now();
  // at once: whatever is clicked or typed from now on finds the step closed
  show({ step: 'settling', outcome: { phase: 'claiming', order: { amount } } });
  ui['outcome-title'].focus();
  const { order, joined, repeat } = await pending.claim(amount, asked, at);
  if (!pending) return; // signed out
  if (repeat) {
    openCheck(amount, repeat);
    return;
  }
  if (!joined) tabs.tell('claimed', { order, kept: store.lasting });
  await follow(order, { known: joined, joined: joined ? amount : '' });
}

// ---- an order, until its answer is final ------------------------------------

// joined: the amount that was asked for when this order was under way already,
// or 'elsewhere' where nothing was.
async function follow(order, { known, patient = false, joined = '' }) {
  const settlement = new Settlement(order, pending, {
    known,
    patient,
    report({ phase, reason, attempt, waitMs }) {
      show({
        step: 'settling',
        outcome: {
          phase, order, joined, attempt, why: reason,
          until: waitMs > 0 ? Date.now() + waitMs : 0,
        },
      });
    },
  });
  state.settling = { order, settlement };
  // before anything is sent: a reload that is under way when the answer comes
  // leads to the answer
  store.go(`/?order=${order.order_id}`, { replace: true });
  const run = settlement.run();
  ui['outcome-title'].focus();
  const { phase, record, stopped, refusal, settled } = await run;
  ui.amount.value = '';
  show({
    step: 'outcome',
    settling: null,
    outcome: {
      phase: record ? phaseOf(record) : phase,
      order, record, stopped, refusal, joined,
    },
  });
  ui['outcome-title'].focus();
  ui.outcome.scrollIntoView({ block: 'nearest' });
  if (!record) return;
  // the user may have gone back meanwhile
  store.go(`/?order=${order.order_id}`, { replace: true });
  await Promise.all([
    settled.then(() => tabs.tell('settled', { id: order.order_id })),
    refresh(), listOrders(),
  ]);
}

function phaseOf(record) {
  return kind(record) === 'review' ? 'review' : record.status;
}

// ---- other tabs, and coming back --------------------------------------------

async function hear({ kind: what, order, kept, id }) {
  const current = state.settling;
  const isThis = current?.order.order_id === id;
  if (what === 'claimed' && isOrderId(order?.order_id)) {
    // what both have at hand needs no telling, which may come late
    if (!kept || !store.lasting) await pending?.adopt(order);
    await lookAround();
  } else if (what === 'closing' && isThis) {
    current.settlement.stop();
  } else if (what === 'closing') {
    await pending?.markClosing(id);
  } else if (what === 'settled' && isThis) {
    current.settlement.wake({ look: true });
  } else if (what === 'settled') {
    await settleHere(id);
    await lookAround();
  }
}

// Where tabs share nothing else, each has to settle what it has adopted.
async function settleHere(id) {
  if (!await pending?.find(id)) return;
  const answer = await api.getOrder(id, null, true);
  if (api.judge(answer, id) === 'final') await pending?.settle(answer.body);
}

// Something may have happened elsewhere.
async function lookAround() {
  if (!pending) return;
  const order = await pending.read();
  if (!pending) return;
  if (state.settling) {
    // ended by another tab
    const { order: current, settlement } = state.settling;
    if (!pending.isPending(current.order_id)) settlement.wake({ look: true });
    return;
  }
  if (order && ['amount', 'check'].includes(state.step)) {
    guard(() => follow(order,
      { known: true, patient: true, joined: 'elsewhere' }));
    return;
  }
  await Promise.all([refresh(), listOrders()]);
  if (state.step === 'check') {
    const repeat = likeIt(state.amount, null);
    if (repeat && !state.asked.includes(repeat.order_id)) {
      openCheck(state.amount, repeat);
    }
  }
}

// ---- a receipt --------------------------------------------------------------

async function showReceipt(id, signal) {
  if (!isOrderId(id)) {
    show({ step: 'outcome', outcome: { phase: 'unknown-order' } });
    return;
  }
  show({ step: 'outcome', outcome: { phase: 'looking' } });
  const backoff = new Backoff();
  for (;;) {
    const answer = await api.getOrder(id, signal);
    if (signal.aborted) return;
    const verdict = api.judge(answer, id);
    if (verdict === 'final') {
      const record = answer.body;
      show({ outcome: { phase: phaseOf(record), record } });
      return;
    }
    if (verdict !== 'again') {
      const phase = verdict === 'absent' ? 'unknown-order'
        : verdict === 'sign-in' ? 'signed-out' : 'refused';
      show({ outcome: { phase, refusal: answer.body } });
      return;
    }
    show({ accountNote: 'waiting' });
    await sleep(backoff.next(answer.retryAfterMs), signal);
    show({ accountNote: '' });
  }
}

// ---- payouts ----------------------------------------------------------------

function isDue(record) {
  return record?.status === 'succeeded' && kind(record) === 'due';
}

function isWaiting() {
  return !state.settling && (isDue(state.outcome?.record)
    || state.history.first.some(isDue));
}

async function lookAgain() {
  const before = state.outcome?.record;
  const due = state.history.first.filter(isDue).length;
  if (isDue(before)) {
    const answer = await api.getOrder(before.order_id, null, true);
    if (api.judge(answer, before.order_id) === 'final'
        && state.outcome?.record?.order_id === before.order_id) {
      state.outcome.record = answer.body;
      show({});
    }
  }
  await listOrders(true);
  // money that came back is in the balance
  if (due !== state.history.first.filter(isDue).length) await refresh(true);
  return isWaiting();
}

// ---- the account and the list -----------------------------------------------

// Asks until there is an answer that asking again would not change; note tells
// the user meanwhile.
async function askAccount(note, signal, unasked) {
  const backoff = new Backoff();
  for (;;) {
    const answer = await api.getAccount(signal, unasked);
    if (signal?.aborted) return answer;
    if (!api.isRetryable(answer) || api.needsSignIn(answer)) {
      show({ accountNote: '' });
      return answer;
    }
    show({ accountNote: note });
    await sleep(backoff.next(answer.retryAfterMs), signal);
  }
}

function isAccount(answer) {
  return answer.status === 200 && answer.userId !== '';
}

function isSomebodyElse(answer) {
  return answer.userId !== state.account.user_id;
}

function takeAccount(answer) {
  show({ account: { ...answer.body, user_id: answer.userId } });
}

// The balance may have moved: after an order, in another tab, elsewhere. The
// latest question is the one that counts.
async function refresh(unasked) {
  refreshing.abort();
  refreshing = new AbortController();
  const { signal } = refreshing;
  show({ refreshing: true });
  const answer = await askAccount('stale', signal, unasked);
  if (signal.aborted) return;
  show({ refreshing: false });
  if (isAccount(answer) && !isSomebodyElse(answer)) {
    takeAccount(answer);
    return;
  }
  show({ accountNote: 'stale' });
  // signed out or in meanwhile: what is shown is not for who looks at it now
  if ((isAccount(answer) || api.needsSignIn(answer)) && !state.settling
      && state.outcome?.phase !== 'sign-in') {
    location.reload();
  }
}

async function listOrders(unasked) {
  listing.abort();
  listing = new AbortController();
  const { signal } = listing;
  const backoff = new Backoff();
  for (;;) {
    const answer = await api.listOrders({ limit: PAGE_ROWS }, signal, unasked);
    if (signal.aborted || takeList(answer)) return;
    Object.assign(state.history, { failed: true, loaded: true });
    show({});
    if (!api.isRetryable(answer)) return;
    await sleep(backoff.next(answer.retryAfterMs), signal);
  }
}

// The first page anew; pages that were asked for after it stay.
function takeList(answer) {
  const fresh = answer.status === 200 ? answer.body?.withdrawals : null;
  if (!Array.isArray(fresh)) return false;
  const { history } = state;
  const ids = new Set(fresh.map((r) => r.order_id));
  const joins = history.items.some((r) => ids.has(r.order_id));
  const older = joins
    ? history.items.filter((r) => !ids.has(r.order_id)
      && !history.first.some((f) => f.order_id === r.order_id
        && fresh.length < PAGE_ROWS)) : [];
  Object.assign(history, {
    items: [...fresh, ...older],
    first: fresh,
    next: older.length > 0 ? history.next : answer.body.next,
    loaded: true,
    failed: false,
  });
  show({});
  return true;
}

async function more() {
  const { history } = state;
  if (history.busy || history.next === null) return;
  history.busy = true;
  show({});
  const answer = await api.listOrders(
    { limit: PAGE_ROWS, before: history.next });
  history.busy = false;
  const rows = answer.status === 200 ? answer.body?.withdrawals : null;
  if (!Array.isArray(rows)) {
    show({ accountNote: 'waiting' });
    return;
  }
  const known = new Set(history.items.map((r) => r.order_id));
  const added = rows.filter((r) => !known.has(r.order_id));
  history.items.push(...added);
  history.next = answer.body.next;
  show({ accountNote: '' });
  // where the list goes on for who does not see it grow
  const at = added[0]?.order_id;
  [...ui['history-rows'].children].find((e) => e.dataset.order === at)
    ?.querySelector('a').focus();
}

async function signOut() {
  const answer = await api.endSession();
  if (answer.status === 401 || (answer.status >= 200 && answer.status < 300)) {
    if (!state.settling) forget();
    location.assign('/sign-in.html');
  } else {
    show({ accountNote: 'signOut' });
  }
}

// Back may restore the page whole, for who is next at this browser.
function forget() {
  for (const asking of [refreshing, listing, visit]) asking.abort();
  pending = null;
  show({
    step: 'message',
    account: null,
    session: false,
    outcome: { phase: 'signed-out' },
    history: { ...state.history, items: [], first: [], next: null },
  });
}
