// When to ask again: exponential backoff with jitter, never sooner than the
// server asked for.

const FIRST_MS = 400;
const LONGEST_MS = 15_000;
// a bound on what a server may ask for; setTimeout overflows far above it
const LONGEST_ASKED_MS = 3_600_000;

export class Backoff {
  #ceiling = FIRST_MS;

  // The next wait in milliseconds. askedMs is the server's Retry-After, or 0.
  next(askedMs) {
    const own = this.#ceiling * (0.5 + Math.random() / 2);
    this.#ceiling = Math.min(this.#ceiling * 2, LONGEST_MS);
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
