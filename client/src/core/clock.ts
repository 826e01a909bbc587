/**
 * Engine time from pings: never backwards, and with a bound on its error.
 *
 * Every ping proves an interval in which (engine time − local time) lies: the server's answer did not leave before the
 * question arrived, and did not arrive before it left. The intervals of the last minutes, each widened by the drift that
 * clocks may have had since, are intersected (after Marzullo and Cristian). The middle of the intersection is the
 * estimate, and half its width is a bound that holds whatever the network did. The fastest way to the server and the
 * fastest way back may come from different pings.
 *
 * The time that is shown follows the estimate and never goes backwards. It starts low, is slewed towards the estimate, and
 * steps forward only after evidence that a clock is broken: a sleep of the computer, another server. `local` is always
 * `performance.now()`, given by the caller: nothing here reads a clock.
 */

/**
 * One ping. It left at `c0` and its answer arrived at `c3`, in local ms; it arrived at the server at `s1` and was
 * answered at `s2`, in ms of engine time ± `error_ms`.
 */
export interface Sample {
  c0: number;
  s1: number;
  s2: number;
  c3: number;
  error_ms?: number;
}

/** The drift of both clocks together, in ms per ms: 100 ppm. */
const DRIFT = 1e-4;
const SAMPLES_MAX = 64;
const SAMPLE_AGE_MAX_MS = 300_000;
const TRIP_MAX_MS = 15_000;

/** Digits are shown after this many samples, at this bound, or this long after the generation began. */
const ENOUGH_SAMPLES = 3;
const ENOUGH_BOUND_MS = 50;
const ENOUGH_WAIT_MS = 1000;

/** Where the bound is larger than this, the display starts lower by the difference: what is behind can catch up. */
const START_BOUND_MS = 100;
const STEP_MIN_MS = 300;
const SLEW_TIME_MS = 4000;
const DEAD_BAND_MS = 0.5;

export class Clock {
  readonly #quantum: number;
  readonly #floor: number;
  /** Intervals as of local time 0, so that all are widened by their age with one term. */
  #samples: { local: number; low: number; high: number }[] = [];
  #low = Number.NEGATIVE_INFINITY;
  #high = Number.POSITIVE_INFINITY;
  #epoch: string | number | undefined;

  /** The generation: when it began, how many samples it has, whether they are enough, whether the time may step. */
  #began = Number.NEGATIVE_INFINITY;
  #fresh = 0;
  #settled = false;
  #mayStep = true;
  #suspect = false;

  #shown: number | null = null;
  #shownLocal = 0;

  /**
   * `quantumMs` is the granularity of both clocks, which widens every sample. `floor` is the engine time shown before the
   * page was reloaded; the display does not start below it, if the first samples allow.
   */
  constructor(quantumMs: number, floor = Number.NEGATIVE_INFINITY) {
    this.#quantum = quantumMs;
    this.#floor = floor;
  }

  /** True after evidence that local time stopped, until a fresh sample comes: the digits may be wrong by any amount. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /**
   * Begins a generation: fresh samples replace the old ones. `suspect` means that local time itself may have stopped.
   */
  disturb(local: number, suspect = false): void {
    this.#began = local;
    this.#fresh = 0;
    this.#settled = false;
    this.#mayStep = true;
    this.#suspect ||= suspect && this.#shown !== null;
  }

  /** Adds a ping. Returns true when the ping proves that a clock is broken or that another server answers: ping again. */
  take(sample: Sample, epoch?: string | number): boolean {
    const trip = sample.c3 - sample.c0 - (sample.s2 - sample.s1);
    const unsure = this.#quantum + (sample.error_ms ?? 0);
    if (sample.c0 < this.#began || trip < -2 * unsure || trip > TRIP_MAX_MS) return false;
    const moved = this.#epoch !== undefined && epoch !== this.#epoch;
    this.#epoch = epoch;
    if (moved) this.disturb(sample.c0);

    if (this.#fresh === 0) this.#samples = [];
    const latest = {
      local: sample.c3,
      low: sample.s2 - sample.c3 - unsure + DRIFT * sample.c3,
      high: sample.s1 - sample.c0 + unsure - DRIFT * sample.c3,
    };
    this.#samples.push(latest);
    this.#intersect(sample.c3);
    const broke = this.#bound(sample.c3) < 0;
    if (broke) {
      this.disturb(sample.c0);
      this.#samples = [latest];
      this.#intersect(sample.c3);
    }
    this.#fresh += 1;
    // One fresh sample is enough to see that local time did not stop. A step waits for more samples.
    if (this.#suspect && Math.abs(this.#behind(sample.c3)) <= STEP_MIN_MS) this.#suspect = false;
    return moved || broke;
  }

  /**
   * Hears of a message that left at engine time `instant` and has now arrived. Returns true when that instant is later
   * than possible: local time stopped, or engine time was moved. The tolerance is for nodes whose clocks differ.
   */
  hear(instant: number, local: number): boolean {
    const late = this.#fresh > 0 && instant - local > this.#high + DRIFT * local + STEP_MIN_MS;
    if (late) this.disturb(local, true);
    return late;
  }

  /** Engine time to show, in ms, never less than before; null until there are enough samples. */
  now(local: number): number | null {
    this.#settle(local);
    if (this.#shown === null) {
      if (!this.#settled) return null;
      const start = local + this.#middle() - this.#caution(local);
      // A floor that the samples do not allow was kept from another engine time.
      const floor = this.#floor <= local + this.#high + DRIFT * local ? this.#floor : start;
      this.#shown = Math.max(start, floor);
      this.#shownLocal = local;
      this.#mayStep = false;
      return this.#shown;
    }
    const passed = Math.max(0, local - this.#shownLocal);
    this.#shownLocal += passed;
    this.#shown += passed;
    if (this.#settled) this.#shown += this.#correction(passed);
    return this.#shown;
  }

  /** The most that the time shown can differ from engine time, in ms; infinite while there are no samples. */
  errorMs(local: number): number {
    if (this.#suspect || this.#shown === null) return Number.POSITIVE_INFINITY;
    return this.#bound(local) + Math.abs(this.#behind(local));
  }

  #correction(passed: number): number {
    const behind = this.#behind(this.#shownLocal);
    if (this.#mayStep) {
      this.#mayStep = false;
      if (behind > STEP_MIN_MS) return Math.max(0, behind - this.#caution(this.#shownLocal));
    }
    if (Math.abs(behind) < DEAD_BAND_MS) return 0;
    const most = passed * (Math.abs(behind) < 100 ? 0.02 : 0.05);
    const wanted = behind * (1 - Math.exp(-passed / SLEW_TIME_MS));
    return Math.min(most, Math.max(-most, wanted));
  }

  #settle(local: number): void {
    if (this.#settled || this.#fresh === 0) return;
    const waited = local - this.#began >= ENOUGH_WAIT_MS;
    this.#settled = waited || this.#fresh >= ENOUGH_SAMPLES || this.#bound(local) <= ENOUGH_BOUND_MS;
    if (this.#settled) this.#suspect = false;
  }

  #intersect(local: number): void {
    const samples = this.#samples.filter((sample) => local - sample.local <= SAMPLE_AGE_MAX_MS);
    this.#samples = samples.slice(-SAMPLES_MAX);
    this.#low = Math.max(...this.#samples.map((sample) => sample.low));
    this.#high = Math.min(...this.#samples.map((sample) => sample.high));
  }

  #middle(): number {
    return (this.#low + this.#high) / 2;
  }

  /** Negative when the samples contradict each other. */
  #bound(local: number): number {
    return (this.#high - this.#low) / 2 + DRIFT * local;
  }

  #behind(local: number): number {
    return local + this.#middle() - ((this.#shown ?? 0) + Math.max(0, local - this.#shownLocal));
  }

  #caution(local: number): number {
    return Math.max(0, this.#bound(local) - START_BOUND_MS);
  }
}
