/** The increments of a tariff at their places in priced time: the twin of `Tariff.runs` in the service's `tariff.py`. */

import { ceilDiv } from "./integers.ts";
import { micros } from "./price.ts";
import type { Tariff, Tier } from "./types.ts";

/** The increments of one tier: all of one length and one price, one after the other. */
export interface Run {
  tier: Tier;
  /** Where the first increment begins, in ms of priced time. */
  startMs: bigint;
  incrementMs: bigint;
  /** The price of one increment, as a numerator over the tariff's scale. */
  unit: bigint;
  /** The number of increments; null for the last tier, which has no end. */
  count: bigint | null;
  /** The price of everything before this run, the connect fee included, as a numerator over the scale. */
  before: bigint;
}

/** The runs of a tariff in order, and the common denominator of their prices. */
export function runsOf(tariff: Tariff): { scale: bigint; runs: Run[] } {
  const scale = tariff.tiers.reduce((product, tier) => product * ms(tier.per_seconds), 1n);
  const runs: Run[] = [];
  let startMs = 0n;
  let before = micros(tariff.connect_fee ?? "0") * scale;
  tariff.tiers.forEach((tier, index) => {
    const incrementMs = ms(tier.increment_seconds ?? 1);
    const unit = incrementMs * micros(tier.rate) * (scale / ms(tier.per_seconds));
    const next: Tier | undefined = tariff.tiers[index + 1];
    const count = next ? ceilDiv(ms(next.from_seconds) - startMs, incrementMs) : null;
    // An increment that runs over the end of its tier can cover the whole next one.
    if (count !== null && count <= 0n) return;
    runs.push({ tier, startMs, incrementMs, unit, count, before });
    startMs += (count ?? 0n) * incrementMs;
    before += (count ?? 0n) * unit;
  });
  return { scale, runs };
}

function ms(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1000));
}
