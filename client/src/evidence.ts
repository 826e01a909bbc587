/** What in a page's life can disturb its clock. The wall clock is only a witness: it never moves a digit. */

const WALL_DRIFT_MAX_MS = 250;

/** Hears everything that makes fresh pings worthwhile; `suspect`: local time may have stood still. */
export class Evidence {
  readonly #found: (suspect: boolean) => void;
  readonly #stop = new AbortController();
  #wallAhead = wallAhead();

  constructor(found: (suspect: boolean) => void) {
    this.#found = found;
    const { signal } = this.#stop;
    const report = () => this.#found(this.#drifted());
    document.addEventListener("visibilitychange", () => document.hidden || report(), { signal });
    document.addEventListener("resume", report, { signal });
    addEventListener("pageshow", (event) => event.persisted && report(), { signal });
    addEventListener("online", report, { signal });
  }

  /** Looks whether the wall clock and local time have drifted apart: a sleep, or somebody set the clock. */
  look(): void {
    if (this.#drifted()) this.#found(true);
  }

  stop(): void {
    this.#stop.abort();
  }

  #drifted(): boolean {
    const ahead = wallAhead();
    const drifted = Math.abs(ahead - this.#wallAhead) > WALL_DRIFT_MAX_MS;
    if (drifted) this.#wallAhead = ahead;
    return drifted;
  }
}

function wallAhead(): number {
  return Date.now() - performance.now();
}
