// What the page has to remember beyond a reload. In localStorage, which all
// tabs share; where the browser keeps none for this site, in the state of this
// tab's entry in the session history, which a reload and a restored tab still
// have, but no other tab. Nothing here is a secret.

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

function decode(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // not written by this page
  }
}
