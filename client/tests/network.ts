/** A simulation: true engine time, a local clock that drifts, sleeps and is wrong, and an unreliable network. */

import { Clock } from "../src/core/clock.ts";

/** The clock that `World` drives; tests also pass broken ones. */
export type ClockKind = new (quantumMs: number, floor?: number) => Clock;

export interface Path {
  upMs: number;
  downMs: number;
  jitterMs: number;
  /** The probability that a message is delayed, by up to `stallMs`. */
  stalls: number;
  stallMs: number;
}

export const NEAR: Path = { upMs: 15, downMs: 15, jitterMs: 0.5, stalls: 0, stallMs: 0 };
export const LTE: Path = { upMs: 35, downMs: 25, jitterMs: 20, stalls: 0.05, stallMs: 1500 };

/** What the display shows at one instant. */
export interface Look {
  at: number;
  shown: number | null;
  error: number;
  bound: number;
  suspect: boolean;
  /** Local time, as the clock gets it. */
  local: number;
  /** How often there has been evidence of a broken clock. */
  evidence: number;
  /** Engine time was moved and no message has arrived since, so no bound can hold. */
  moved: boolean;
}

const BURST = [0, 150, 400, 900, 1800, 3500, 7000, 14_000];
const LOOK_MS = 20;

export class World {
  readonly clock: Clock;
  readonly looks: Look[] = [];
  path: Path;
  epoch = "a";
  /** Engine time minus true time. */
  skewMs = 0;
  /** How far the times of a node are from engine time. */
  nodeErrorMs = 0;
  #now = 0;
  #slept = 0;
  #random: number;
  readonly #driftPpm: number;
  readonly #wrongMs: number;
  readonly #grainMs: number;
  #events: { at: number; run: () => void }[] = [];
  #pings = 0;
  #evidence = 0;
  #moved = false;
  /** Local time of the latest burst of pings; the clock ignores answers to older pings. */
  #asked = 0;

  constructor(
    seed: number,
    path: Path,
    {
      driftPpm = 80,
      wrongMs = 86_400_000,
      floor = Number.NEGATIVE_INFINITY,
      /** The smallest step of the local clock. */
      grainMs = 0,
      kind = Clock as ClockKind,
    } = {},
  ) {
    this.#random = seed;
    this.path = path;
    this.#driftPpm = driftPpm;
    this.#wrongMs = wrongMs;
    this.#grainMs = grainMs;
    this.clock = new kind(1.1 + grainMs, floor);
    this.disturb();
    this.#look();
  }

  get engine(): number {
    return this.#now + this.skewMs;
  }

  get local(): number {
    const local = (this.#now - this.#slept) * (1 + this.#driftPpm * 1e-6) + this.#wrongMs;
    return this.#grainMs ? Math.floor(local / this.#grainMs) * this.#grainMs : local;
  }

  /** A random number from 0 to 1, the same for the same seed. */
  random(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }

  /** Lets `ms` of time pass. */
  run(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      this.#events.sort((one, other) => one.at - other.at);
      const next = this.#events[0];
      if (!next || next.at > until) break;
      this.#events.shift();
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  /** Lets time pass while local time stops and nothing runs: the computer sleeps. */
  sleep(ms: number): void {
    this.#now += ms;
    this.#slept += ms;
  }

  /** Lets time and local time pass while nothing runs: the page is frozen. */
  freeze(ms: number): void {
    this.#now += ms;
  }

  /** From now on another server answers, whose engine time differs by `skewMs`. */
  move(skewMs: number): void {
    this.skewMs = skewMs;
    this.epoch = `${this.epoch}'`;
    this.#moved = true;
  }

  /** Starts a new generation with a burst of pings. */
  disturb(suspect = false): void {
    this.#evidence += 1;
    this.#asked = this.local;
    this.clock.disturb(this.local, suspect);
    this.#burst();
  }

  #burst(): void {
    this.#pings += 1;
    const burst = this.#pings;
    for (const ms of BURST) this.#at(this.#now + ms, () => burst === this.#pings && this.#ping());
    const rest = () => {
      if (burst !== this.#pings) return;
      this.#ping();
      this.#at(this.#now + 27_000 + 6000 * this.random(), rest);
    };
    this.#at(this.#now + 44_000, rest);
  }

  #at(at: number, run: () => void): void {
    this.#events.push({ at, run });
  }

  #delay(ms: number): number {
    const stall = this.random() < this.path.stalls ? 100 + this.random() * (this.path.stallMs - 100) : 0;
    return ms - this.path.jitterMs * Math.log(1 - this.random()) + stall;
  }

  #ping(): void {
    const c0 = this.local;
    this.#at(this.#now + this.#delay(this.path.upMs), () => {
      // A node is wrong by the error that it states.
      const s1 = this.engine + this.nodeErrorMs * Math.sign(this.random() - 0.5);
      const { epoch, nodeErrorMs: error_ms } = this;
      this.#at(this.#now + this.#delay(this.path.downMs), () => {
        const broke = this.clock.take({ c0, s1, s2: s1, c3: this.local, error_ms }, epoch);
        if (epoch === this.epoch && c0 >= this.#asked) this.#moved = false;
        if (!broke) return;
        this.#evidence += 1;
        this.#burst();
      });
    });
  }

  #look(): void {
    const shown = this.clock.now(this.local);
    const error = shown === null ? 0 : shown - this.engine;
    this.looks.push({
      at: this.#now,
      shown,
      error,
      bound: this.clock.errorMs(this.local),
      suspect: this.clock.suspect,
      local: this.local,
      evidence: this.#evidence,
      moved: this.#moved,
    });
    this.#at(this.#now + LOOK_MS, () => this.#look());
  }
}

/** The quantile `share` of the error of the looks after `since`, in ms. */
export function quantile(looks: readonly Look[], share: number, since = 0): number {
  const errors = looks
    .filter((look) => look.shown !== null && look.at >= since)
    .map((look) => Math.abs(look.error));
  errors.sort((one, other) => one - other);
  return errors[Math.floor(share * (errors.length - 1))] ?? Number.NaN;
}

/** How much more or less than the time between two looks the display went on, at most and at least, in ms. */
export function strides(looks: readonly Look[]): { most: number; least: number; steps: number } {
  let [most, least, steps] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0];
  for (const [index, look] of looks.entries()) {
    const before = looks[index - 1];
    if (!before || before.shown === null || look.shown === null) continue;
    const moved = look.shown - before.shown;
    most = Math.max(most, moved);
    least = Math.min(least, moved);
    if (moved > 10 * LOOK_MS) steps += 1;
  }
  return { most, least, steps };
}
