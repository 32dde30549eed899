// The withdraw page: shows the account, takes an amount, and shows what became
// of the order. All decisions about an order are in order.js.

import * as api from './api.js';
import { PendingOrder, Settlement, isAmount } from './order.js';
import { Backoff, sleep } from './retry.js';
import * as words from './words.js';

const ui = Object.fromEntries([
  'balance', 'account', 'account-note', 'form', 'fields', 'amount',
  'amount-error', 'currency', 'outcome', 'outcome-title', 'outcome-text',
  'outcome-notice', 'outcome-facts', 'outcome-note', 'stop', 'again', 'new',
].map((id) => [id, document.getElementById(id)]));

let account = null;
let pending = null;
let settlement = null; // the order that is being settled, if any
let refreshing = new AbortController();

ui.form.addEventListener('submit', (event) => {
  event.preventDefault();
  guard(submit);
});
ui.amount.addEventListener('input', () => showAmountError(''));
ui.stop.addEventListener('click', () => {
  ui.stop.hidden = true;
  settlement.stop();
});
ui.again.addEventListener('click', () => location.reload());
ui.new.addEventListener('click', () => {
  openForm();
  ui.amount.focus();
});
window.addEventListener('storage', (event) => {
  if (pending?.isForgottenBy(event)) guard(refresh);
});
document.addEventListener('visibilitychange', () => {
  if (pending && document.visibilityState === 'visible') guard(refresh);
});
guard(start);

// An error in the page must not look like an answer about the money.
async function guard(action) {
  try {
    await action();
  } catch (error) {
    console.error(error);
    showMessage('stuck', words.PAGE_ERROR);
  }
}

async function start() {
  const answer = await askAccount(words.ACCOUNT.waiting);
  if (!isAccount(answer)) {
    if (api.needsSignIn(answer)) showMessage('sign-in', words.ACCOUNT.signIn);
    else showMessage('stuck', words.ACCOUNT.refused(answer.body));
    return;
  }
  showAccount(answer);
  api.expectUser(account.user_id);
  pending = new PendingOrder(account.user_id);
  let order;
  try {
    order = pending.read();
  } catch (error) {
    console.error(error);
    showMessage('stuck', words.NO_STORAGE);
    return;
  }
  if (order) {
    await follow(order, { known: true });
  } else {
    openForm();
  }
}

async function submit() {
  const amount = ui.amount.value;
  if (ui.fields.disabled) return;
  if (!isAmount(amount)) {
    showAmountError(words.AMOUNT_WRONG);
    return;
  }
  // at once: whatever is clicked or typed from now on finds the form closed
  ui.fields.disabled = true;

  let claim;
  try {
    claim = await pending.claim(amount);
  } catch (error) {
    console.error(error);
    showMessage('stuck', words.NO_STORAGE);
    return;
  }
  const { order, joined } = claim;
  ui['outcome-notice'].textContent =
    joined ? words.joined(order, amount, account.currency) : '';
  await follow(order, { known: joined });
}

// Settle an order and show all of it.
async function follow(order, { known }) {
  const money = `${order.amount} ${account.currency}`;
  ui.amount.value = order.amount;
  settlement = new Settlement(order, pending, {
    known,
    report(progress) {
      showMessage(progress.phase, words.progress(progress, money));
      showFacts([[words.FACTS.order, order.order_id]]);
      ui['outcome-note'].textContent = words.attempts(progress);
      ui.stop.hidden = progress.phase === 'stopping';
    },
  });
  ui.outcome.focus({ preventScroll: true });
  const outcome = await settlement.run();
  settlement = null;
  showMessage(outcome.phase, words.outcome(outcome, money));
  showFacts(outcome.record ? recordFacts(outcome.record)
    : [[words.FACTS.order, order.order_id]]);
  ui.outcome.scrollIntoView({ block: 'nearest' });
  if (outcome.record) await refresh();
}

// Nothing but this offers the form again, and it never carries an amount over:
// the late clicks of an impatient user find nothing to send.
function openForm() {
  showMessage('', { title: '', text: '' });
  ui['outcome-notice'].textContent = '';
  ui.fields.disabled = false;
  ui.amount.value = '';
}

// Asks until there is an answer that asking again would not change; note tells
// the user meanwhile.
async function askAccount(note, signal) {
  const backoff = new Backoff();
  for (;;) {
    const answer = await api.getAccount(signal);
    if (signal?.aborted) return answer;
    if (!api.isRetryable(answer) || api.needsSignIn(answer)) {
      ui['account-note'].textContent = '';
      return answer;
    }
    ui['account-note'].textContent = note;
    await sleep(backoff.next(answer.retryAfterMs), signal);
  }
}

function isAccount(answer) {
  return answer.status === 200 && answer.userId !== '';
}

// The balance may have moved: after an order, in another tab, elsewhere. The
// latest question is the one that counts.
async function refresh() {
  refreshing.abort();
  refreshing = new AbortController();
  const { signal } = refreshing;
  ui.balance.ariaBusy = 'true';
  const answer = await askAccount(words.ACCOUNT.stale, signal);
  if (signal.aborted) return;
  ui.balance.ariaBusy = 'false';
  if (!isAccount(answer)) {
    ui['account-note'].textContent = words.ACCOUNT.stale;
  } else if (answer.userId !== account.user_id) {
    location.reload(); // somebody else signed in meanwhile
  } else {
    showAccount(answer);
  }
}

function showAccount(answer) {
  account = { ...answer.body, user_id: answer.userId };
  ui.balance.textContent = `${account.balance} ${account.currency}`;
  ui.account.textContent = `Account ${account.user_id}`;
  ui.currency.textContent = account.currency;
}

function showAmountError(text) {
  ui['amount-error'].textContent = text;
  ui.amount.setAttribute('aria-invalid', text ? 'true' : 'false');
  if (text) ui.amount.focus();
}

// The words of the outcome card. phase chooses its looks and its buttons.
function showMessage(phase, { title, text }) {
  ui.outcome.dataset.phase = phase;
  setText(ui['outcome-title'], title);
  setText(ui['outcome-text'], text);
  ui['outcome-facts'].replaceChildren();
  ui['outcome-note'].textContent = '';
  ui.stop.hidden = true;
  ui.again.hidden = !['sign-in', 'stuck'].includes(phase);
  ui.new.hidden = !['succeeded', 'declined', 'void'].includes(phase);
}

function recordFacts(record) {
  const { amount, balance_after: balance, currency } = record;
  const at = document.createElement('time');
  at.dateTime = record.created_at;
  at.textContent = new Date(record.created_at).toLocaleString('en', {
    dateStyle: 'medium', timeStyle: 'medium',
  });
  return [
    [words.FACTS.amount, amount && `${amount} ${currency}`],
    [words.FACTS.balance, balance && `${balance} ${currency}`],
    [words.FACTS.order, record.order_id],
    [words.FACTS.time, at],
    [words.FACTS.payout,
      record.status === 'succeeded' && words.payout(record)],
  ];
}

function showFacts(facts) {
  ui['outcome-facts'].replaceChildren(...facts
    .filter(([, value]) => value)
    .map(([name, value]) => {
      const row = document.createElement('div');
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.append(name);
      description.append(value);
      row.append(term, description);
      return row;
    }));
}

// A live region is read out whenever it is written, so only when it changes.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
