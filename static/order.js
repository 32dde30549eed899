// An order: one intent to withdraw. It is made and kept before the first byte
// is sent, and forgotten only after a final answer, so that a second click, a
// reload or another tab finds it and asks again for the same, instead of
// withdrawing twice.

import * as api from './api.js';
import { Backoff, sleep } from './api.js';
import { isAmount, same } from './money.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
// So soon after a withdrawal, one of the same amount may be meant as the same.
export const REPEAT_MS = 10 * 60_000;

export function isOrderId(text) {
  return UUID.test(text);
}

// The order of a user that has no final answer yet (pending), and the last that
// succeeded (last): one object in the store. Its key carries the user: what one
// user left behind must never be sent in the name of the next. There is more
// than one pending only where tabs could not tell each other in time: each is
// brought to its end before a new one is made.
export class PendingOrder {
  #key;
  #store;
  #seen = {};

  constructor(userId, store) {
    this.#key = `orders.${userId}`;
    this.#store = store;
  }

  // These two as last seen, which another tab may have changed: for what is
  // shown.
  get order() {
    return ordersIn(this.#seen)[0] ?? null;
  }

  isPending(orderId) {
    return findIn(this.#seen, orderId) !== undefined;
  }

  async read() {
    await this.#change((kept) => kept);
    return this.order;
  }

  async find(orderId) {
    await this.#change((kept) => kept);
    return findIn(this.#seen, orderId) ?? null;
  }

  // { order, joined }: the order that is pending already, or that was when the
  // user acted (at, in milliseconds), or else a new one.
  // { repeat }: nothing, since a withdrawal of the same amount has just
  // succeeded, and it is not the one that the user was asked about (asked).
  async claim(amount, asked, at) {
    // before the change: its edit may run twice, and must make one order
    const order = { order_id: newUuid(), amount, closing: false };
    let claim;
    await this.#change((kept) => {
      const [pending] = ordersIn(kept);
      const last = lastIn(kept);
      if (pending) {
        claim = { order: pending, joined: true };
      } else if (last?.at >= at && last.at <= Date.now()) {
        claim = { order: last, joined: true };
      } else if (isLike(last, amount) && !asked.includes(last.order_id)) {
        claim = { repeat: last };
      } else {
        claim = { order, joined: false };
        return { ...kept, pending: [order] };
      }
      return kept;
    });
    return claim;
  }

  // An order that another tab has made.
  adopt(order) {
    return this.#change((kept) => (findIn(kept, order.order_id)
      ? kept : { ...kept, pending: [...ordersIn(kept), order] }));
  }

  // Remember that the user gave the order up: after a reload it must not be
  // sent again, only closed.
  markClosing(orderId) {
    return this.#change((kept) => (findIn(kept, orderId)
      ? { ...kept, pending: ordersIn(kept).map((order) => (
        order.order_id === orderId ? { ...order, closing: true } : order)) }
      : kept));
  }

  async isClosing(orderId) {
    return (await this.find(orderId))?.closing === true;
  }

  // Its answer is final.
  settle({ order_id: id, amount, created_at, status }) {
    const last = { order_id: id, amount, created_at, at: Date.now() };
    return this.#change((kept) => {
      const next = findIn(kept, id) ? { ...kept,
        pending: ordersIn(kept).filter((order) => order.order_id !== id) } : kept;
      // another tab may have had the answer before
      return status === 'succeeded' && lastIn(kept)?.order_id !== id
        ? { ...next, last } : next;
    });
  }

  // The last success of this browser, as last seen, if it is recent and of this
  // amount.
  lastLike(amount) {
    const last = lastIn(this.#seen);
    return isLike(last, amount) ? last : null;
  }

  async #change(edit) {
    this.#seen = await this.#store.change(this.#key, (kept, unkept) => (
      edit(unkept ? join(kept, unkept) : kept)));
  }
}

// All that two copies know. An order that one of them has had the answer of is
// pending again: it is asked for once more, and the answer is the same.
function join(kept, unkept) {
  const added = ordersIn(unkept)
    .filter((order) => !findIn(kept, order.order_id));
  const pending = [...ordersIn(kept), ...added].map((order) => (
    findIn(unkept, order.order_id)?.closing ? { ...order, closing: true }
      : order));
  const [last] = [lastIn(kept), lastIn(unkept)].filter(Boolean)
    .sort((a, b) => b.at - a.at);
  return { ...kept, pending, last };
}

function ordersIn({ pending }) {
  return Array.isArray(pending) ? pending.filter(isOrder) : [];
}

function findIn(kept, orderId) {
  return ordersIn(kept).find((order) => order.order_id === orderId);
}

function lastIn({ last }) {
  return isOrder(last) ? last : null;
}

function isOrder(order) {
  return isOrderId(order?.order_id) && isAmount(order.amount);
}

function isLike(last, amount) {
  return last !== null && same(last.amount, amount)
    && Math.abs(Date.now() - last.at) < REPEAT_MS;
}

// Brings one order to its final answer, however often it takes to ask.
//
// report(progress) is called before each question and each wait:
//   phase    sending | checking | stopping
//   reason   why it asks again: code of a problem, 'no-answer', 'offline',
//            or 'resumed', 'elsewhere' before the first answer; or ''
//   attempt  1, 2, ...
//   waitMs   0 while asking
export class Settlement {
  #order;
  #pending;
  #report;
  #look;
  #closing = false;
  #marked = null; // when that is kept
  #reason;
  #refusal = null;
  #doubt;
  #attempt = 0;
  #patient;
  #round = new AbortController();
  #pause = new AbortController();

  // known: the order is not new, so there may be an answer already.
  // patient: another tab is at it: look, and send it only if that does not
  // bring it about.
  constructor(order, pending, { known, patient = false, report }) {
    this.#order = order;
    this.#pending = pending;
    this.#report = report;
    this.#look = known;
    this.#doubt = known;
    this.#patient = patient;
    this.#reason = patient ? 'elsewhere' : known ? 'resumed' : '';
  }

  // Returns { phase, record, stopped, refusal, settled }. phase is the record's
  // status, or 'sign-in' or 'stuck' where the order stays pending and record is
  // null. settled: until it is kept that the answer is final, which nobody has
  // to wait for who wants to know it.
  async run() {
    const backoff = new Backoff();
    for (;;) {
      this.#round = new AbortController();
      this.#attempt++;
      const looked = this.#look;
      const answer = await this.#ask(this.#round.signal);
      const verdict = api.judge(answer, this.#order.order_id);

      if (verdict === 'final') {
        const settled = this.#pending.settle(answer.body);
        return { ...this.#outcome(answer.body.status, answer.body), settled };
      }
      this.#doubt = true;
      // told meanwhile that there is something to see
      if (this.#look && !looked) continue;
      // closing ends it more surely than another look
      if (this.#closing && looked && verdict !== 'sign-in') {
        this.#look = false;
        continue;
      }
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
        if (this.#attempt === 1 && !this.#patient) continue;
      } else if (verdict === 'refused' || verdict === 'absent') {
        // Refused without a decision, and so would be every repetition.
        // Closing the order makes the answer a final one.
        this.#refusal = answer.body;
        if (this.#closing) return this.#outcome('stuck', null);
        this.#close();
        continue;
      }
      if (verdict !== 'absent') {
        this.#reason = api.problemCode(answer)
          || (navigator.onLine ? 'no-answer' : 'offline');
      }
      await this.#wait(backoff.next(answer.retryAfterMs));
    }
  }

  // Give up: whatever stands after this is final.
  stop() {
    this.#round.abort();
    this.#pause.abort();
    this.#close();
  }

  // Something has changed: ask now instead of later.
  wake({ look = false } = {}) {
    this.#look ||= look;
    this.#pause.abort();
  }

  #close() {
    this.#closing = true;
    this.#look = false;
    this.#marked = this.#pending.markClosing(this.#order.order_id);
  }

  async #ask(signal) {
    const { order_id: id, amount } = this.#order;
    this.#tell(0);
    await this.#marked;
    // another tab may have stopped the same order
    if (!this.#closing && await this.#pending.isClosing(id)) {
      this.#closing = true;
      this.#tell(0);
    }
    if (this.#look) return api.getOrder(id, signal);
    if (this.#closing) return api.closeOrder(id, signal);
    const ticket = await api.getToken(id, signal);
    if (ticket.status !== 201 || !ticket.body?.token) return ticket;
    return api.withdraw(id, ticket.body.token, amount, signal);
  }

  async #wait(ms) {
    this.#tell(ms);
    this.#pause = new AbortController();
    if (this.#round.signal.aborted) this.#pause.abort();
    await sleep(ms, this.#pause.signal);
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

// crypto.randomUUID exists in secure contexts only.
function newUuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
