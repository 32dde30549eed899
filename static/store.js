// What tabs share: what is kept, and what they tell each other.

// What has to outlive a reload: in localStorage, which all tabs share; where the
// browser keeps none, in this tab's entry of the session history. No secrets.

export class Store {
  #memory = new Map(Object.entries(history.state ?? {}));
  #lasting = true;

  constructor() {
    try {
      localStorage.setItem('withdraw.probe', '1');
      localStorage.removeItem('withdraw.probe');
    } catch {
      this.#lasting = false;
    }
    // going back leads to an entry that knows less
    addEventListener('popstate', () => this.#keepInEntry());
  }

  // False: only this tab knows.
  get lasting() {
    return this.#lasting;
  }

  read(key) {
    if (!this.#lasting && this.#memory.has(key)) return this.#memory.get(key);
    try {
      return decode(localStorage.getItem(key));
    } catch {
      this.#lasting = false;
      return this.#memory.get(key) ?? null;
    }
  }

  write(key, value) {
    this.#memory.set(key, value);
    if (this.#lasting) {
      try {
        localStorage.setItem(key, JSON.stringify(value));
        return;
      } catch {
        this.#lasting = false;
      }
    }
    this.#keepInEntry();
  }

  remove(key) {
    this.#memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      this.#lasting = false;
    }
    if (!this.#lasting) this.#keepInEntry();
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

function decode(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not written by this page
  }
}
