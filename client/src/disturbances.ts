/** What can disturb the clock of a page. The wall clock is only compared: it never changes a digit. */

const WALL_DRIFT_MAX_MS = 250;
const TOGETHER_MS = 50;

/** Calls `onDisturbed` at each event after which old pings may be wrong; `suspect` means that local time may have stopped. */
export class Disturbances {
  readonly #onDisturbed: (suspect: boolean) => void;
  readonly #stop = new AbortController();
  #wallAhead = wallAhead();

  constructor(onDisturbed: (suspect: boolean) => void) {
    this.#onDisturbed = onDisturbed;
    const { signal } = this.#stop;
    const report = () => this.#onDisturbed(this.#drifted());
    document.addEventListener("visibilitychange", () => document.hidden || report(), { signal });
    document.addEventListener("resume", report, { signal });
    addEventListener("pageshow", (event) => event.persisted && report(), { signal });
    addEventListener("online", report, { signal });
  }

  /** Compares the wall clock with local time: they drift apart by a sleep, or when somebody sets the clock. */
  check(): void {
    if (this.#drifted()) this.#onDisturbed(true);
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

/** The wall clock less local time, in ms; null when a pause between the two readings made them useless. */
function wallAhead(): number | null {
  const before = performance.now();
  const wall = Date.now();
  const after = performance.now();
  return after - before > TOGETHER_MS ? null : wall - after;
}
