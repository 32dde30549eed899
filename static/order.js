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

// The one order of a user that has no final answer yet, and the last that had
// one. The keys carry the user: what one user left behind must never be sent
// in the name of the next.
export class PendingOrder {
  #key;
  #lastKey;
  #store;

  constructor(userId, store) {
    this.#key = `withdraw.pending.${userId}`;
    this.#lastKey = `withdraw.last.${userId}`;
    this.#store = store;
  }

  read() {
    const order = this.#store.read(this.#key);
    return isOrderId(order?.order_id) && isAmount(order.amount) ? order : null;
  }

  // { order, joined }: the order that is pending already, or else a new one.
  // { repeat }: nothing, since a withdrawal of the same amount has just
  // succeeded, and it is not the one that the user was asked about (asked).
  claim(amount, asked) {
    return exclusively(this.#key, () => {
      const pending = this.read();
      if (pending) return { order: pending, joined: true };
      const repeat = this.lastLike(amount);
      if (repeat && !asked.includes(repeat.order_id)) return { repeat };
      const order = { order_id: newUuid(), amount, closing: false };
      this.#store.write(this.#key, order);
      return { order, joined: false };
    });
  }

  // An order that another tab has made, where tabs share nothing else.
  adopt(order) {
    if (!this.read()) this.#store.write(this.#key, order);
  }

  // Remember that the user gave the order up: after a reload it must not be
  // sent again, only closed.
  markClosing(orderId) {
    const order = this.read();
    if (order?.order_id === orderId) {
      this.#store.write(this.#key, { ...order, closing: true });
    }
  }

  isClosing(orderId) {
    const order = this.read();
    return order?.order_id === orderId && order.closing === true;
  }

  // Its answer is final.
  settle(record) {
    if (record.status === 'succeeded') {
      // before it is forgotten, should the browser end between the two
      this.#store.write(this.#lastKey, {
        order_id: record.order_id, amount: record.amount,
        created_at: record.created_at, at: Date.now(),
      });
    }
    if (this.read()?.order_id === record.order_id) {
      this.#store.remove(this.#key);
    }
  }

  // The last success of this browser, if it is recent and of this amount.
  lastLike(amount) {
    const last = this.#store.read(this.#lastKey);
    return isOrderId(last?.order_id) && isAmount(last.amount)
      && same(last.amount, amount)
      && Math.abs(Date.now() - last.at) < REPEAT_MS ? last : null;
  }
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

  // Returns { phase, record, stopped, refusal }. phase is the record's status,
  // or 'sign-in' or 'stuck' where the order stays pending and record is null.
  async run() {
    const backoff = new Backoff();
    for (;;) {
      this.#round = new AbortController();
      this.#attempt++;
      const looked = this.#look;
      const answer = await this.#ask(this.#round.signal);
      const verdict = api.judge(answer, this.#order.order_id);

      if (verdict === 'final') {
        this.#pending.settle(answer.body);
        return this.#outcome(answer.body.status, answer.body);
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
    this.#pending.markClosing(this.#order.order_id);
  }

  async #ask(signal) {
    const { order_id: id, amount } = this.#order;
    // another tab may have stopped the same order
    this.#closing ||= this.#pending.isClosing(id);
    this.#tell(0);
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

// Web Locks exist in secure contexts only, and not where the browser keeps no
// data. Without them two tabs could claim within the same instant; each order
// is still withdrawn once at most.
async function exclusively(name, action) {
  let begun = false;
  const once = () => {
    begun = true;
    return action();
  };
  try {
    if (navigator.locks) return await navigator.locks.request(name, once);
  } catch (error) {
    if (begun) throw error;
  }
  return once();
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
