/**
 * What time costs: the twin of the service's `tariff.py`, exact to the last digit.
 *
 * Money is whole micro-credits in BigInt. The sum over the tiers is kept as one fraction and rounded once, at the very
 * end, so the price of a total never depends on how the time was sliced.
 */

import type { Credits, Tariff } from "./types.ts";

export interface Price {
  /** Micro-credits. */
  micros: bigint;
  /** The time paid for, in ms: whole increments. */
  billedMs: number;
}

const NOTHING: Price = { micros: 0n, billedMs: 0 };

/** Micro-credits in a decimal string; digits beyond the sixth place are an error. */
export function micros(credits: Credits): bigint {
  const match = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(credits);
  if (!match) throw new RangeError(`not an amount of credits: ${credits}`);
  const value = BigInt(match[2] + (match[3] ?? "").padEnd(6, "0"));
  return match[1] ? -value : value;
}

/** The decimal string of micro-credits, with at least two places: 8750000n is "8.75", 2000000n is "2.00". */
export function credits(value: bigint): Credits {
  const digits = (value < 0n ? -value : value).toString().padStart(7, "0");
  const places = digits.slice(-6).replace(/0{1,4}$/, "");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -6)}.${places}`;
}

/**
 * The price of `pricedMs` whole milliseconds beyond the free allowance.
 *
 * `grace: false` leaves `grace_seconds` aside, as commitments of a running meter do.
 */
export function price(tariff: Tariff, pricedMs: number, { grace = true } = {}): Price {
  if (pricedMs <= 0) return NOTHING;
  if (grace && pricedMs <= 1000 * (tariff.grace_seconds ?? 0)) return NOTHING;
  // A unit begun is owed at its first instant: the same as having used one millisecond more.
  const used = tariff.boundary === "begun" ? pricedMs + 1 : pricedMs;

  let numerator = micros(tariff.connect_fee ?? "0");
  let denominator = 1n;
  let covered = 0;
  for (const [index, tier] of tariff.tiers.entries()) {
    const next = tariff.tiers[index + 1];
    const end = Math.min(used, next ? whole(next.from_seconds) : used);
    // An increment that ran over the end of its tier has already covered the beginning of this one.
    const begin = Math.max(covered, whole(tier.from_seconds));
    if (end <= begin) continue;
    const increment = whole(tier.increment_seconds ?? 1);
    const billed = Math.ceil((end - begin) / increment) * increment;
    covered = begin + billed;
    const per = BigInt(whole(tier.per_seconds));
    numerator = numerator * per + micros(tier.rate) * BigInt(billed) * denominator;
    denominator *= per;
  }

  if (tariff.max_cost != null && tariff.at_max_cost !== "stop") {
    const most = micros(tariff.max_cost) * denominator;
    if (numerator > most) numerator = most;
  }
  const least = micros(tariff.minimum_charge ?? "0") * denominator;
  if (numerator < least) numerator = least;
  return { micros: round(numerator, denominator, tariff), billedMs: covered };
}

function whole(seconds: number): number {
  return Math.round(seconds * 1000);
}

function round(numerator: bigint, denominator: bigint, tariff: Tariff): bigint {
  const unit = 10n ** BigInt(6 - (tariff.rounding?.places ?? 2));
  const step = denominator * unit;
  const mode = tariff.rounding?.mode ?? "up";
  const lift = mode === "up" ? step - 1n : mode === "half_up" ? step / 2n : 0n;
  return ((numerator + lift) / step) * unit;
}
