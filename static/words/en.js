// Every text of the page, in English. Each outcome says what happened to the
// money. Amounts and times come in written for the reader already; texts go
// into the page as text, never as HTML.

export default {
  code: 'en',
  locale: null, // the browser's: English is written in many ways

  ui: {
    brand: 'Withdraw',
    signOut: 'Sign out',
    balanceTitle: 'Available balance',
    amountTitle: 'New withdrawal',
    amountLabel: 'How much do you want to withdraw?',
    all: 'All of it',
    continue: 'Continue',
    nothingYet: 'Nothing is sent yet. You can check everything first.',
    checkTitle: 'Check before you withdraw',
    checkText: 'The amount leaves your balance at once and is then paid out '
      + 'to you. If a limit of your account stands against it, nothing is '
      + 'withdrawn and you are told which. However often it is sent, it is '
      + 'withdrawn only once.',
    change: 'Change the amount',
    repeatLink: 'Show that withdrawal',
    stop: 'Stop',
    stopHint: 'Stop asks for a final answer: the order is closed without a '
      + 'withdrawal, unless the money has left already. You are told which.',
    signIn: 'Sign in',
    again: 'Try again',
    new: 'New withdrawal',
    print: 'Print',
    receiptHint: 'This receipt keeps its address: you can bookmark it.',
    historyTitle: 'Your withdrawals',
    more: 'Show older ones',
    footer: 'Each order is withdrawn at most once, however often it is sent.',
    problems: 'What the answers of this service mean',
    underWay: 'A withdrawal of yours has no final answer yet.',
    underWayLink: 'See how it is going',
  },

  switchTo: 'English',
  title: { home: 'Withdraw money', receipt: 'Your withdrawal' },
  account: (id) => `Account ${id}`,
  range: ({ least, most }) => `From ${least} to ${most}.`,
  day: ({ count, left, resets }) => {
    const parts = [
      ...(count === null ? []
        : [count === 1 ? 'one withdrawal' : `${count} withdrawals`]),
      ...(left ? [left] : []),
    ];
    return parts.length === 0 ? 'With at most two decimals.'
      : `Left until ${resets}: ${parts.join(', ')}.`;
  },
  act: (money) => `Withdraw ${money}`,
  actAnother: (money) => `Withdraw another ${money}`,

  faults: {
    missing: () => 'Enter the amount that you want to withdraw.',
    shape: () => 'Enter the amount in digits, such as 100 or 99.50.',
    decimals: () => 'Enter an amount with at most two decimals, such as 99.50.',
    zero: () => 'Enter an amount above zero.',
    large: () => 'This amount is larger than any withdrawal can be.',
    balance: ({ balance }) => `This is more than your balance of ${balance}.`,
    least: ({ least }) => `The least that may be withdrawn at once is ${least}.`,
    most: ({ max }) => `The most that may be withdrawn at once is ${max}.`,
    day: ({ left, resets }) => `${left} is left for the day. The day's sum is `
      + `whole again from ${resets} on.`,
    count: ({ resets }) => 'The withdrawals of the day are used up. New ones '
      + `can be made from ${resets} on.`,
    frozen: () => 'Your account is in review: nothing can be withdrawn for now. '
      + 'Your money stays where it is. Please ask the operator of this site.',
    empty: () => 'There is no money to withdraw at the moment.',
    little: ({ least }) => `Your balance is below ${least}, the least that may `
      + 'be withdrawn at once.',
  },

  check: {
    amount: 'You withdraw',
    before: 'Balance now',
    after: 'Balance afterwards',
  },

  repeat: {
    title: (money) => `Another ${money}, or the same one?`,
    text: (money, time) => `You withdrew ${money} at ${time}. If you are not `
      + 'sure that it went through, it is this one, and there is no need to '
      + 'withdraw again.',
  },

  offline: {
    idle: 'You are offline. Nothing can be sent at the moment.',
    busy: 'You are offline. Nothing is lost: the same order goes on by itself '
      + 'as soon as the connection is back.',
  },
  storage: 'This browser keeps no data for this site. You can withdraw, but '
    + 'an order under way is known to this tab alone: leave it open until you '
    + 'see the final answer. If it closes before that, look at your '
    + 'withdrawals below before you withdraw again.',

  accountNote: {
    waiting: 'The service cannot be reached right now. The page keeps asking; '
      + 'a withdrawal under way is kept and goes on after that.',
    stale: 'The balance shown may be out of date.',
    signOut: 'You are still signed in: no answer came through. Please try '
      + 'again.',
  },

  history: {
    empty: 'There are none yet.',
    waiting: 'The list cannot be loaded right now. The page keeps asking.',
  },

  // an order, in a word or two, for lists
  states: {
    'due': 'Withdrawn, on its way',
    'paid': 'Paid out',
    'returned': 'Came back to your balance',
    'declined': 'Not withdrawn',
    'review': 'Not withdrawn, account in review',
    'void': 'Not withdrawn, order closed',
    'pending': 'No final answer yet',
  },

  // why a declined order was, in a few words, for lists
  reasons: {
    'insufficient-funds': 'balance too low',
    'below-minimum': 'amount too small',
    'above-maximum': 'amount too large',
    'daily-count-limit': 'limit of the day',
    'daily-sum-limit': 'limit of the day',
  },

  facts: {
    amount: 'Amount',
    balance: 'Balance right after',
    time: 'Time',
    order: 'Order number',
    payout: 'Payout',
    reference: 'Payout reference',
  },

  payout: {
    due: 'On its way to you',
    paid: (time) => `Paid out on ${time}`,
    returned: (time) => `Came back on ${time}`,
  },

  track: {
    withdrawn: 'Withdrawn from your balance',
    due: 'On its way to you',
    later: 'Paid out',
    paid: 'Paid out',
    returned: 'Came back: the money is in your balance again',
    done: 'done',
    now: 'now',
    next: 'later',
  },

  progress: {
    sending: (money) => ({
      title: 'Sending',
      text: `Withdrawing ${money}. However often it is sent, it is withdrawn `
        + 'only once.',
    }),
    checking: (money) => ({
      title: 'Checking',
      text: `We do not know yet whether the ${money} left your balance. `
        + 'Nothing is lost: the same order is asked again until the answer is '
        + 'final, and it is withdrawn only once. You may even close this page '
        + 'and come back.',
    }),
    stopping: (money) => ({
      title: 'Stopping',
      text: 'Asking for a final answer: either the order is closed without a '
        + `withdrawal, or the ${money} had left already.`,
    }),
  },

  // why it asks again
  why: {
    'resumed': 'This order was begun earlier.',
    'elsewhere': 'This order was begun in another tab or window.',
    'offline': 'There is no connection.',
    'no-answer': 'No answer came through.',
    'outcome-unknown': 'The service could not tell the outcome yet.',
    'unavailable': 'The service cannot decide right now.',
    'in-progress': 'The order is being worked on.',
    'busy': 'Another withdrawal of yours is being worked on; this one waits.',
    'rate-limited': 'Too many requests were made; it goes on a little later.',
    'token-invalid': 'The ticket of this order ran out; a new one is fetched.',
  },

  attempt: (n) => `Attempt ${n}.`,
  wait: (n, seconds) => `Attempt ${n}. Asking again in ${seconds} s.`,

  joined: {
    same: (money) => `A withdrawal of ${money} was under way already, in `
      + 'another tab or window. This is its answer; no second order was made.',
    other: (money, asked) => `A withdrawal of ${money} was under way already, `
      + `in another tab or window. It is finished first; the ${asked} were not `
      + 'sent.',
    elsewhere: 'This order was made in another tab or window.',
  },

  outcome: {
    succeeded: (money, { stopped }) => ({
      title: 'Withdrawn',
      text: `${money} left your balance`
        + (stopped ? '; it was too late to stop it.' : '.'),
    }),
    paid: (money) => ({
      title: 'Paid out',
      text: `${money} left your balance and was paid out to you.`,
    }),
    returned: (money) => ({
      title: 'Came back to your balance',
      text: `${money} was withdrawn, but could not be paid out. The money is `
        + 'in your balance again.',
    }),
    declined: (money, { why }) => ({
      title: 'Not withdrawn',
      text: `${why} No money left your balance. This answer is final: this `
        + 'order will not be withdrawn later either.',
    }),
    review: (money) => ({
      title: 'Not withdrawn: your account is in review',
      text: `Your account is frozen while it is looked at. The ${money} did `
        + 'not leave your balance, and this order will not be withdrawn later '
        + 'either. Please ask the operator of this site, and give the order '
        + 'number.',
    }),
    void: (money, { said }) => ({
      title: 'Not withdrawn',
      text: `${said}The order is closed. No money left your balance, and for `
        + 'this order none ever will.',
    }),
    signIn: (money) => ({
      title: 'Please sign in again',
      text: `We do not know yet whether the ${money} left your balance, since `
        + 'your sign-in has ended, or somebody else has signed in on this '
        + 'browser. The order is kept; after your sign-in the same order is '
        + 'asked again, and it is withdrawn only once.',
    }),
    stuck: (money, { said }) => ({
      title: 'The service refuses to answer',
      text: `${said}We do not know yet whether the ${money} left your balance. `
        + 'The order is kept, and no other can be made until its answer is '
        + 'known. If this stays so, please give the order number to the '
        + 'operator of this site.',
    }),
  },

  declined: {
    'insufficient-funds': ({ balance, money }) => `Your balance of ${balance} `
      + `was less than the ${money} of this order.`,
    'below-minimum': ({ money }) => `${money} is below the least amount that `
      + 'may be withdrawn.',
    'above-maximum': ({ money }) => `${money} is above the most that may be `
      + 'withdrawn at once.',
    'daily-count-limit': ({ resets }) => 'The withdrawals of the day are used '
      + `up. New ones can be made from ${resets} on.`,
    'daily-sum-limit': ({ money, resets }) => `${money} is above what is left `
      + `for the day. The day's sum is whole again from ${resets} on.`,
    'other': ({ reason }) => `The service declined this order (${reason}).`,
  },

  said: (title, detail) => `The service says: ${title}. ${detail} `,

  message: {
    signIn: {
      title: 'Nobody is signed in',
      text: 'Sign in to see your balance and to withdraw. An order under way '
        + 'is kept and goes on after that.',
    },
    refused: (title, detail) => ({
      title: title || 'The account cannot be shown',
      text: detail || 'The service did not say why. An order under '
        + 'way is kept.',
    }),
    looking: {
      title: 'Looking up the order',
      text: 'The page is asking for it.',
    },
    unknownOrder: {
      title: 'There is no such withdrawal',
      text: 'Your account has no order of this number.',
    },
    broken: {
      title: 'Something went wrong in this page',
      text: 'An order under way is kept and will be asked for again. Please '
        + 'reload the page.',
    },
  },
};
