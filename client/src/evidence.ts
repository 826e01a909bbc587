/** What in a page's life can disturb its clock. The wall clock is only a witness: it never moves a digit. */

const WALL_DRIFT_MAX_MS = 250;
const TOGETHER_MS = 50;

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
    const drifted = ahead !== null && Math.abs(ahead - (this.#wallAhead ?? ahead)) > WALL_DRIFT_MAX_MS;
    if (drifted || this.#wallAhead === null) this.#wallAhead = ahead;
    return drifted;
  }
}

/** Null when the two clocks could not be read together: a page may be stopped between any two lines. */
function wallAhead(): number | null {
  const before = performance.now();
  const wall = Date.now();
  const after = performance.now();
  return after - before > TOGETHER_MS ? null : wall - after;
}
