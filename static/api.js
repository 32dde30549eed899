// The service's calls, what an answer means, and when to ask again. An answer is a plain object:
//   status        HTTP status, 0 where no answer came
//   body          the JSON object, null where there was none
//   retryAfterMs  what Retry-After asks for, 0 without it
//   userId        of an account, as text: a number would be rounded above 2^53
//   now           the server's clock in milliseconds, null where it was silent
// No call throws: to a withdrawal, a lost, a late and a mangled answer are
// all the same, an outcome that is not known yet.

// Longer than the ledger's deadline, the lock's lease and nginx's timeout, so
// that the server decides first.
const TIMEOUT_MS = 20_000;
const RETRY_MS = 400;
const LONGEST_RETRY_MS = 15_000;
// a bound on what a server may ask for; setTimeout overflows far above it
const LONGEST_ASKED_MS = 3_600_000;
const WATCH_MS = 15_000;
const LONGEST_WATCH_MS = 300_000;

const NO_ANSWER = Object.freeze({
  status: 0, body: null, retryAfterMs: 0, userId: '', now: null,
});
const FINAL = new Set(['succeeded', 'declined', 'void']);
const RETRYABLE = new Set([
  'token-invalid', 'in-progress', 'busy', 'rate-limited',
  'unavailable', 'outcome-unknown',
]);
const RETRYABLE_STATUS = new Set([0, 408, 425, 429]);

// Whom the page was loaded for: who has signed in since must not pay.
let expectedUser = '';

export function expectUser(userId) {
  expectedUser = userId;
}

// Without headers: in just this form index.html has asked for it already.
export function getAccount(signal, unasked) {
  return call('GET', '/api/account?limits=1', { plain: true, signal, unasked });
}

// Newest first; before is the "next" of an earlier answer, or null.
export function listOrders({ limit, before = null }, signal, unasked) {
  const more = before === null ? '' : `&before=${encodeURIComponent(before)}`;
  return call('GET', `/api/withdrawals?limit=${limit}${more}`,
    { signal, unasked });
}

// Whether there is a sign-in that this page can end.
export async function hasSession() {
  return (await getSession()).status === 200;
}

export function getSession() {
  return call('GET', '/api/session', {});
}

export function beginSession(name, password) {
  return call('POST', '/api/session', { body: { name, password } });
}

// everywhere: all sessions of the same name.
export function endSession(everywhere = false) {
  return call('DELETE', `/api/session${everywhere ? '?everywhere=1' : ''}`, {});
}

export function getOrder(orderId, signal, unasked) {
  return call('GET', `/api/withdrawals/${orderId}`, { signal, unasked });
}

export function closeOrder(orderId, signal) {
  return call('POST', `/api/withdrawals/${orderId}/void`, { signal });
}

export function getToken(orderId, signal) {
  return call('POST', '/api/token', { orderId, signal });
}

export function withdraw(orderId, token, amount, signal) {
  return call('POST', '/api/withdraw', {
    orderId, body: { token, amount }, signal,
  });
}

// The code of a problem document, which is the last part of its type; '' for
// any other answer.
export function problemCode(answer) {
  const type = answer.body?.type;
  return typeof type === 'string' ? type.slice(type.lastIndexOf('/') + 1) : '';
}

// What an answer says about an order:
//   final    the body is the record that stands
//   look     there is such a record: ask for it
//   absent   there is no such record so far
//   sign-in  the service does not know who is asking
//   again    not known yet; the same order may be asked again
//   refused  asking the same again would be refused again
export function judge(answer, orderId) {
  const { status, body } = answer;
  const code = problemCode(answer);

  if (status >= 200 && status < 300) {
    return body?.order_id === orderId && FINAL.has(body.status)
      ? 'final' : 'again';
  }
  if (needsSignIn(answer)) return 'sign-in';
  if (isRetryable(answer)) return 'again';
  if (code === 'order-mismatch' || FINAL.has(body.order_state)) return 'look';
  return code === 'order-unknown' ? 'absent' : 'refused';
}

export function needsSignIn(answer) {
  return answer.status === 401;
}

export function isRetryable(answer) {
  return answer.body === null || answer.status >= 500
    || RETRYABLE_STATUS.has(answer.status)
    || RETRYABLE.has(problemCode(answer));
}

// unasked: the page asks by itself, and a session does not live on by that.
async function call(method, path, { orderId, body, plain, signal, unasked }) {
  const headers = {};
  if (orderId) headers['Idempotency-Key'] = `"${orderId}"`;
  if (expectedUser && !plain) headers['Withdraw-Expect-User'] = expectedUser;
  if (unasked) headers['Withdraw-Background'] = '1';
  if (body) headers['Content-Type'] = 'application/json';

  const abort = new AbortController();
  const giveUp = () => abort.abort();
  const timer = setTimeout(giveUp, TIMEOUT_MS);
  signal?.addEventListener('abort', giveUp);
  if (signal?.aborted) giveUp();
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      credentials: 'same-origin',
      redirect: 'manual',
      signal: abort.signal,
    });
    return read(response, await response.text());
  } catch {
    return NO_ANSWER;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  }
}

function read(response, text) {
  // a hosting site's login sends those who are signed out elsewhere
  if (response.type === 'opaqueredirect') return { ...NO_ANSWER, status: 401 };
  const seconds = response.headers.get('Retry-After') ?? '';
  return {
    status: response.status,
    body: parse(response.headers.get('Content-Type') ?? '', text),
    retryAfterMs: /^[0-9]+$/.test(seconds) ? Number(seconds) * 1000 : 0,
    userId: /"user_id":([0-9]+)/.exec(text)?.[1] ?? '',
    now: Date.parse(response.headers.get('Date') ?? '') || null,
  };
}

function parse(contentType, text) {
  if (!/^application\/(problem\+)?json\b/i.test(contentType)) return null;
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null; // cut off on the way: as good as no answer
  }
}

// Exponential backoff with jitter, never sooner than the server asked for.
export class Backoff {
  #ceiling = RETRY_MS;

  // The next wait in milliseconds. askedMs is the server's Retry-After, or 0.
  next(askedMs) {
    const own = this.#ceiling * (0.5 + Math.random() / 2);
    this.#ceiling = Math.min(this.#ceiling * 2, LONGEST_RETRY_MS);
    // all who were turned away together must not come back together
    const asked = Math.min(askedMs, LONGEST_ASKED_MS) * (1 + Math.random() / 5);
    return Math.max(own, asked);
  }
}

// Wait, or less if the signal aborts.
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener('abort', done);
  });
}

// Looks again while a payout is due: only while the page is seen, slowly, and
// ever more slowly.
export class Watch {
  #look;
  #timer = 0;
  #delay = WATCH_MS;
  #dueAt = 0;

  // look() asks, and says whether there is still something to wait for.
  constructor(look) {
    this.#look = look;
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden') this.#pause();
      else if (this.#dueAt) this.#arm();
    });
  }

  // There is (something new) to wait for, or nothing any more.
  set(waiting) {
    if (!waiting) {
      this.#pause();
      this.#dueAt = 0;
    } else if (!this.#dueAt) {
      this.#delay = WATCH_MS;
      this.#next();
    }
  }

  #next() {
    // many pages that were opened together must not ask together
    const wait = this.#delay * (1 + Math.random() / 4);
    this.#delay = Math.min(this.#delay * 1.6, LONGEST_WATCH_MS);
    this.#dueAt = Date.now() + wait;
    if (document.visibilityState !== 'hidden') this.#arm();
  }

  #arm() {
    this.#pause();
    this.#timer = setTimeout(async () => {
      const waiting = await this.#look();
      if (waiting && this.#dueAt) this.#next();
      else this.#dueAt = 0;
    }, Math.max(0, this.#dueAt - Date.now()));
  }

  #pause() {
    clearTimeout(this.#timer);
  }
}
