// What tabs share: what is kept, and what they tell each other.

const DATABASE = 'withdraw';
const KEPT = 'kept';
// a browser whose database does not open by then has none
const OPEN_MS = 10_000;

// What has to outlive a reload: in IndexedDB, which all tabs share, and whose
// transactions come one after another whichever tab they are of. localStorage
// is not fit for it: each process of a browser reads a copy of its own, to which
// another's change comes some time later, even under a lock that both take.
// Where the browser keeps no data: in this tab's entry of the session history.
// No secrets.
export class Store {
  // as last seen; at first what an earlier page of this tab could not keep
  #memory = new Map(Object.entries(history.state ?? {}));
  #unkept = new Set(this.#memory.keys());
  #lasting = true;
  #opening = null;

  constructor() {
    // going back leads to an entry that knows less
    addEventListener('popstate', () => this.#keepInEntry());
  }

  // False: only this tab knows.
  get lasting() {
    return this.#lasting;
  }

  // The object of a key, empty where there is none.
  read(key) {
    return this.change(key, (kept) => kept);
  }

  // Puts edit(kept) in the place of what is kept, without another tab's change
  // between the two, and returns it once it is kept. edit must not wait, and
  // returns the same object where nothing changes; it may be called twice, and
  // then the second call counts.
  async change(key, edit) {
    if (this.#lasting) {
      try {
        const value = await this.#transact(key, edit);
        this.#memory.set(key, value);
        this.#unkept.delete(key);
        return value;
      } catch {
        this.#lasting = false;
      }
    }
    const value = edit(this.#memory.get(key) ?? {});
    if (value !== this.#memory.get(key)) {
      this.#memory.set(key, value);
      this.#keepInEntry();
    }
    return value;
  }

  // The page at another address; what is remembered goes along.
  go(url, { replace = false } = {}) {
    const state = this.#lasting ? null : Object.fromEntries(this.#memory);
    if (replace) history.replaceState(state, '', url);
    else history.pushState(state, '', url);
  }

  #keepInEntry() {
    if (!this.#lasting) this.go(location.href, { replace: true });
  }

  async #transact(key, edit) {
    this.#opening ??= open(() => { this.#opening = null; });
    const transaction = (await this.#opening)
      .transaction(KEPT, 'readwrite', { durability: 'strict' });
    const kept = transaction.objectStore(KEPT);
    return new Promise((resolve, reject) => {
      let value;
      // an exception in here ends the transaction with nothing changed
      kept.get(key).onsuccess = ({ target }) => {
        const stored = target.result ?? {};
        const unkept = this.#unkept.has(key) ? this.#memory.get(key) : null;
        value = edit({ ...unkept, ...stored });
        if (JSON.stringify(value) !== JSON.stringify(stored)) {
          kept.put(value, key);
        }
      };
      transaction.oncomplete = () => resolve(value);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

// lost() is called when the browser closes the database, as it does when it is
// told to forget a site's data.
function open(lost) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(KEPT);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = lost;
      database.onversionchange = () => {
        database.close();
        lost();
      };
      resolve(database);
    };
    setTimeout(reject, OPEN_MS, new Error('the database does not open'));
  });
}

// The other tabs of the same user. What one says is only a hint to look again:
// each asks the service by itself, and none depends on one that is asleep.
//
//   claimed   an order was made: { order }
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
