/** When to ping: several times after something has happened, then rarely, and only while the page is visible. */

/** Uneven, because one stall of the network could delay all pings of an even burst. */
const BURST_MS = [150, 400, 900, 1800, 3500, 7000, 14_000];
const REST_MS = 30_000;
/** For this long after a burst the network may still be about to become quicker, and more samples are worth their bytes. */
const FRESH_MS = 60_000;

export class Pings {
  readonly #ping: () => void;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #rest: ReturnType<typeof setTimeout> | undefined;
  #freshUntil = 0;

  constructor(ping: () => void) {
    this.#ping = ping;
  }

  /** Pings several times from now on, then every half minute. */
  burst(): void {
    this.stop();
    this.#freshUntil = performance.now() + FRESH_MS;
    this.ping();
    this.#timers = BURST_MS.map((ms) => setTimeout(() => this.ping(), ms));
  }

  /** Whether a burst has begun in the last minute. */
  get isFresh(): boolean {
    return performance.now() < this.#freshUntil;
  }

  /** Pings now; the half minute to the next ping begins here. */
  ping(): void {
    this.#ping();
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => document.hidden || this.ping(), REST_MS * (0.9 + Math.random() / 5));
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    clearTimeout(this.#rest);
  }
}
