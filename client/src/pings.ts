/** When to ask the server for the time: a spread burst when something happened, then rarely, and only while visible. */

/** Uneven on purpose: one stall of the network would hit an even burst whole. */
const BURST_MS = [150, 400, 900, 1800, 3500, 7000, 14_000];
const REST_MS = 30_000;

export class Pings {
  readonly #ping: () => void;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(ping: () => void) {
    this.#ping = ping;
  }

  /** Starts over: several pings now, then one every half minute. */
  burst(): void {
    this.stop();
    this.ping();
    this.#timers = BURST_MS.map((ms) => setTimeout(() => this.ping(), ms));
  }

  /** Pings now; the next rare one counts from here. */
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
