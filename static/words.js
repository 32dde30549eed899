// Every sentence that the scripts show, in one place. Each outcome says what
// happened to the money.

export const AMOUNT_WRONG = 'Please write the amount in digits, such as 100 '
  + 'or 99.50: above zero, at most two decimals, without signs, blanks or '
  + 'commas.';

export const NO_STORAGE = {
  title: 'This browser keeps no data for this site',
  text: 'Nothing was sent. A withdrawal is remembered in the browser until '
    + 'its final answer is known, so that it can never be paid twice. Please '
    + 'allow this site to store data, then reload the page.',
};

export const PAGE_ERROR = {
  title: 'Something went wrong in this page',
  text: 'An order under way is kept and will be asked for again. Please '
    + 'reload the page.',
};

export const ACCOUNT = {
  waiting: 'The service cannot be reached right now. Asking again by itself; '
    + 'a withdrawal under way is kept and goes on after that.',
  stale: 'The balance shown may be out of date.',
  signIn: {
    title: 'Please sign in',
    text: 'You are not signed in, or no longer. Nothing was sent.',
  },
  refused: (problem) => ({
    title: problem.title ?? 'The account cannot be shown',
    text: problem.detail ?? 'The service did not say why.',
  }),
};

// Why it asks again.
const REASONS = {
  resumed: 'This order was begun earlier and has no final answer yet.',
  'no-answer': 'No answer came through.',
  'outcome-unknown': 'The service could not tell the outcome yet.',
  unavailable: 'The service cannot decide right now.',
  'in-progress': 'The order is being worked on.',
  busy: 'Another withdrawal of yours is being worked on; this one waits.',
  'rate-limited': 'Too many requests were made; it goes on a little later.',
  'token-invalid': 'The ticket of this order ran out; a new one is fetched.',
};

const DECLINED = {
  'insufficient-funds': (r, cur) =>
    `Your balance of ${r.balance_after} ${cur} is less than the `
    + `${r.amount} ${cur} of this order.`,
  'below-minimum': (r, cur) =>
    `${r.amount} ${cur} is below the least amount that may be withdrawn.`,
  'above-maximum': (r, cur) =>
    `${r.amount} ${cur} is above the most that may be withdrawn at once.`,
  'daily-count-limit': (r) => 'The withdrawals of the day are used up. New '
    + `ones can be made from ${clock(r.resets_at)} on.`,
  'daily-sum-limit': (r, cur) => `${r.amount} ${cur} is above what is left `
    + `for the day. The day's sum is whole again from ${clock(r.resets_at)} `
    + 'on.',
  'account-frozen': () => 'Your account is frozen. Please ask the operator '
    + 'of this site why.',
};

// While an order has no final answer.
export function progress({ phase, reason }, money) {
  const why = REASONS[reason] ? `${REASONS[reason]} ` : '';
  switch (phase) {
    case 'sending':
      return {
        title: 'Sending',
        text: `Withdrawing ${money}. However often it is sent, it is `
          + 'withdrawn only once.',
      };
    case 'stopping':
      return {
        title: 'Stopping',
        text: `${why}Asking for a final answer: either the order is closed `
          + `without a withdrawal, or the ${money} had left already.`,
      };
    default:
      return {
        title: 'Checking',
        text: `${why}We do not know yet whether the ${money} left your `
          + 'account. Nothing is lost: the same order is asked again until '
          + 'the answer is final, and it is withdrawn only once. You may even '
          + 'close this page and come back.',
      };
  }
}

export function attempts({ attempt, waitMs }) {
  if (waitMs > 0) {
    return `Attempt ${attempt}. Asking again in ${Math.ceil(waitMs / 1000)} s.`;
  }
  return attempt > 1 ? `Attempt ${attempt}.` : '';
}

export function joined(order, amount, currency) {
  const first = `A withdrawal of ${order.amount} ${currency} was already `
    + 'under way, in another tab or window. ';
  return first + (order.amount === amount
    ? 'This is its answer; no second order was made.'
    : `It is finished first; the ${amount} ${currency} were not sent.`);
}

// Once run() of a settlement is over.
export function outcome({ phase, record, stopped, refusal }, money) {
  const currency = record?.currency;
  const said = refusal
    ? `${refusal.title ?? 'Refused'}: ${refusal.detail ?? ''} ` : '';
  switch (phase) {
    case 'succeeded':
      return {
        title: 'Withdrawn',
        text: `${record.amount} ${currency} left your account`
          + (stopped ? '; it was too late to stop it.' : '.'),
      };
    case 'declined':
      return {
        title: 'Not withdrawn',
        text: `${declined(record, currency)} No money left your account. This `
          + 'answer is final: this order will not be withdrawn later either.',
      };
    case 'void':
      return {
        title: 'Not withdrawn',
        text: `${said}The order of ${money} is closed. No money left your `
          + 'account, and for this order none ever will.',
      };
    case 'sign-in':
      return {
        title: 'Please sign in again',
        text: `We do not know yet whether the ${money} left your account, `
          + 'since your sign-in has ended, or somebody else has signed in '
          + 'on this browser. The order is kept; after your sign-in the same '
          + 'order is asked again, and it is withdrawn only once.',
      };
    default:
      return {
        title: 'The service refuses to answer',
        text: `${said}We do not know yet whether the ${money} left your `
          + 'account. The order is kept, and no other can be made until its '
          + 'answer is known. If this stays so, please give the order number '
          + 'to the operator of this site.',
      };
  }
}

// How far the money of a withdrawal is on its way.
export function payout(record) {
  const of = record.payout_reference ? `, ${record.payout_reference}` : '';
  switch (record.payout ?? 'due') {
    case 'paid':
      return `paid out on ${clock(record.payout_at)}${of}`;
    case 'returned':
      return `returned on ${clock(record.payout_at)}${of}: the money is back `
        + 'in your account';
    default:
      return 'on its way to you';
  }
}

export function clock(time) {
  return new Date(time).toLocaleString('en',
    { dateStyle: 'medium', timeStyle: 'short' });
}

export const FACTS = {
  amount: 'Amount',
  balance: 'Balance right after',
  order: 'Order number',
  time: 'Time',
  payout: 'Payout',
};

function declined(record, currency) {
  return DECLINED[record.reason]?.(record, currency)
    ?? `The service declined this order (${record.reason}).`;
}
