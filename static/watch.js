// Looks again, modestly, while something is under way elsewhere (a payout):
// only while the page is seen, slowly, and ever more slowly.

const FIRST_MS = 15_000;
const LONGEST_MS = 300_000;

export class Watch {
  #look;
  #timer = 0;
  #delay = FIRST_MS;
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
      this.#delay = FIRST_MS;
      this.#next();
    }
  }

  #next() {
    // many pages that were opened together must not ask together
    const wait = this.#delay * (1 + Math.random() / 4);
    this.#delay = Math.min(this.#delay * 1.6, LONGEST_MS);
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
