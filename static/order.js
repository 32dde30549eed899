// An order: one intent to withdraw. It is made and kept before the first byte
// is sent, and forgotten only after a final answer, so that a second click, a
// reload or another tab finds it and asks again for the same, instead of
// withdrawing twice.

import * as api from './api.js';
import { Backoff, sleep } from './retry.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const AMOUNT = /^(0|[1-9][0-9]{0,12})(\.[0-9]{1,2})?$/;

// The server's rule, to the letter.
export function isAmount(text) {
  return AMOUNT.test(text) && /[1-9]/.test(text);
}

// The one order of a user that has no final answer yet. The key carries the
// user: what one user left behind must never be sent in the name of the next.
// Every method throws where the browser keeps no data for this site.
export class PendingOrder {
  #key;

  constructor(userId) {
    this.#key = `withdraw.pending.${userId}`;
  }

  read() {
    const order = decode(localStorage.getItem(this.#key));
    return UUID.test(order?.order_id) && isAmount(order.amount) ? order : null;
  }

  // The order that is pending already, or else a new one.
  claim(amount) {
    return exclusively(this.#key, () => {
      const pending = this.read();
      if (pending) return { order: pending, joined: true };
      const order = { order_id: newUuid(), amount, closing: false };
      this.#write(order);
      return { order, joined: false };
    });
  }

  // Remember that the user gave the order up: after a reload it must not be
  // sent again, only closed.
  markClosing(orderId) {
    const order = this.read();
    if (order?.order_id === orderId) this.#write({ ...order, closing: true });
  }

  isClosing(orderId) {
    const order = this.read();
    return order?.order_id === orderId && order.closing === true;
  }

  forget(orderId) {
    if (this.read()?.order_id === orderId) localStorage.removeItem(this.#key);
  }

  // Whether a storage event says that another tab brought it to its end.
  isForgottenBy(event) {
    return event.newValue === null
      && (event.key === this.#key || event.key === null);
  }

  #write(order) {
    localStorage.setItem(this.#key, JSON.stringify(order));
  }
}

// Brings one order to its final answer, however often it takes to ask.
//
// report(progress) is called before each question and each wait:
//   phase    sending | checking | stopping
//   reason   why it asks again: code of a problem, 'no-answer' or 'resumed'; ''
//   attempt  1, 2, ...
//   waitMs   0 while asking
export class Settlement {
  #order;
  #pending;
  #report;
  #look;
  #closing = false;
  #reason;
  #refusal = null;
  #doubt;
  #attempt = 0;
  #round = new AbortController();

  // known: the order is not new, so there may be an answer already.
  constructor(order, pending, { known, report }) {
    this.#order = order;
    this.#pending = pending;
    this.#report = report;
    this.#look = known;
    this.#doubt = known;
    this.#reason = known ? 'resumed' : '';
  }

  // Returns { phase, record, stopped, refusal }. phase is the record's status,
  // or 'sign-in' or 'stuck' where the order stays pending and record is null.
  async run() {
    const backoff = new Backoff();
    for (;;) {
      this.#round = new AbortController();
      this.#attempt++;
      const answer = await this.#ask(this.#round.signal);
      const verdict = api.judge(answer, this.#order.order_id);

      if (verdict === 'final') {
        this.#pending.forget(this.#order.order_id);
        return this.#outcome(answer.body.status, answer.body);
      }
      this.#doubt = true;
      // the user stopped it meanwhile: close it without further waiting
      if (this.#round.signal.aborted) continue;

      if (verdict === 'sign-in') return this.#outcome('sign-in', null);
      if (verdict === 'look' && !this.#look) {
        this.#look = true;
        continue;
      }
      if (verdict === 'absent' && this.#look) {
        this.#look = false;
        // waits from the second time on, should the answers contradict
        // each other
        if (this.#attempt === 1) continue;
      } else if (verdict === 'refused' || verdict === 'absent') {
        // Refused without a decision, and so would be every repetition.
        // Closing the order makes the answer a final one.
        this.#refusal = answer.body;
        if (this.#closing) return this.#outcome('stuck', null);
        this.#close();
        continue;
      }
      this.#reason = api.problemCode(answer) || 'no-answer';
      await this.#wait(backoff.next(answer.retryAfterMs));
    }
  }

  // Give up: whatever stands after this is final.
  stop() {
    this.#round.abort();
    this.#close();
  }

  #close() {
    this.#closing = true;
    this.#pending.markClosing(this.#order.order_id);
  }

  async #ask(signal) {
    const { order_id: id, amount } = this.#order;
    // another tab may have stopped the same order
    this.#closing ||= this.#pending.isClosing(id);
    this.#tell(0);
    if (this.#closing) return api.closeOrder(id, signal);
    if (this.#look) return api.getOrder(id, signal);
    const ticket = await api.getToken(id, signal);
    if (ticket.status !== 201 || !ticket.body?.token) return ticket;
    return api.withdraw(id, ticket.body.token, amount, signal);
  }

  async #wait(ms) {
    this.#tell(ms);
    await sleep(ms, this.#round.signal);
  }

  #tell(waitMs) {
    const phase = this.#closing ? 'stopping'
      : this.#doubt ? 'checking' : 'sending';
    this.#report({
      phase, reason: this.#reason, attempt: this.#attempt, waitMs,
    });
  }

  #outcome(phase, record) {
    return { phase, record, stopped: this.#closing, refusal: this.#refusal };
  }
}

function decode(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not written by this page: there is no order to ask for
  }
}

// Web Locks exist in secure contexts only. Without them two tabs could claim
// within the same instant; each order is still withdrawn once at most.
function exclusively(name, action) {
  return navigator.locks ? navigator.locks.request(name, action) : action();
}

// crypto.randomUUID exists in secure contexts only.
function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
