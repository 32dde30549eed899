// What tabs share: what is kept, and what they tell each other.

const DATABASE = 'withdraw.page';
const KEPT = 'kept';
// for opening, and for a change: a database that takes longer is none
const LIMIT_MS = 10_000;

// What has to outlive a reload: in IndexedDB, which all tabs share, and whose
// transactions come one after another whichever tab they are of. localStorage
// is not fit for it: each process of a browser reads a copy of its own, to which
// another's change comes some time later, even under a lock that both take.
// What cannot be kept there is in this tab's entry of the session history, until
// a later page of the tab can. No secrets.
export class Store {
  // as last seen; at first what an earlier page of this tab could not keep
  #memory = new Map(Object.entries(history.state ?? {}));
  #unkept = new Set(this.#memory.keys());
  #lasting = true;
  #database = null;

  constructor() {
    // going back leads to an entry that knows less
    addEventListener('popstate', () => {
      if (!this.#lasting) this.#writeEntry();
    });
  }

  // False: only this tab knows.
  get lasting() {
    return this.#lasting;
  }

  // Puts edit(kept, unkept) in the place of what is kept (an object, empty at
  // first), without another tab's change between the two, and returns it once
  // it is kept. unkept is what only this tab knew so far, or null. edit must not
  // wait, and may be called several times, of which the last counts; where it
  // returns an equal object nothing is written.
  async change(key, edit) {
    for (let tries = 1; this.#lasting; tries++) {
      try {
        const value = await this.#transact(key, edit);
        this.#memory.set(key, value);
        if (this.#unkept.delete(key)) this.#writeEntry();
        return value;
      } catch {
        // a connection that is lost may say so too late
        this.#database?.close();
        this.#database = null;
        if (tries > 1) this.#lasting = false;
      }
    }
    const value = edit(this.#memory.get(key) ?? {}, null);
    if (value !== this.#memory.get(key)) {
      this.#memory.set(key, value);
      this.#writeEntry();
    }
    return value;
  }

  // The page at another address; what only this tab knows goes along.
  go(url, { replace = false } = {}) {
    const entry = [...this.#memory].filter(([key]) => (
      !this.#lasting || this.#unkept.has(key)));
    const state = entry.length > 0 ? Object.fromEntries(entry) : null;
    if (replace) history.replaceState(state, '', url);
    else history.pushState(state, '', url);
  }

  #writeEntry() {
    this.go(location.href, { replace: true });
  }

  async #transact(key, edit) {
    try {
      this.#database ??= await open();
    } catch (error) {
      this.#lasting = false;
      throw error;
    }
    const transaction = this.#database
      .transaction(KEPT, 'readwrite', { durability: 'strict' });
    const kept = transaction.objectStore(KEPT);
    return new Promise((resolve, reject) => {
      let value;
      let timer = 0;
      // an exception in here ends the transaction with nothing changed
      kept.get(key).onsuccess = ({ target }) => {
        const stored = target.result ?? {};
        value = edit(stored,
          this.#unkept.has(key) ? this.#memory.get(key) : null);
        if (JSON.stringify(value) !== JSON.stringify(stored)) {
          kept.put(value, key);
        }
        // now: the page may be about to end
        transaction.commit?.();
      };
      transaction.oncomplete = () => {
        clearTimeout(timer);
        resolve(value);
      };
      transaction.onabort = () => {
        clearTimeout(timer);
        reject(transaction.error);
      };
      timer = setTimeout(() => end(transaction), LIMIT_MS);
    });
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEPT);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => database.close();
      resolve(database);
    };
    setTimeout(reject, LIMIT_MS, new Error('the database does not open'));
  });
}

function end(transaction) {
  try {
    transaction.abort();
  } catch {
    // it is being committed: that ends by itself
  }
}

// The other tabs of the same user. What one says is only a hint to look again:
// each asks the service by itself, and none depends on one that is asleep.
//
//   claimed   an order was made: { order, kept }; not kept: for this tab alone
//   closing   an order is to be closed: { id }
//   settled   an order has its final answer: { id }
export class Tabs {
  #channel = null;

  constructor(userId, listen) {
    try {
      this.#channel = new BroadcastChannel(`withdraw.${userId}`);
      this.#channel.onmessage = ({ data }) => listen(data);
    } catch {
      // the browser keeps tabs apart: each looks again when it is shown
    }
  }

  tell(kind, more) {
    this.#channel?.postMessage({ kind, ...more });
  }
}
