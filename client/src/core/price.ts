/**
 * What time costs: the twin of the service's `price.py`, exact to the last digit.
 *
 * Money is a whole number of micro-credits, a BigInt. The sum over the tiers is kept as one fraction and rounded once, at
 * the end. So the price of a total does not depend on how the time was divided.
 */

import type { Credits, Tariff } from "./types.ts";

export type RoundingMode = NonNullable<NonNullable<Tariff["rounding"]>["mode"]>;

export interface Price {
  /** Micro-credits. */
  micros: bigint;
  /** Billed time in ms: whole increments. */
  billedMs: number;
}

const NOTHING: Price = { micros: 0n, billedMs: 0 };

/**
 * The micro-credits of a decimal string.
 *
 * @throws RangeError when the text is not an amount, or has more than six decimals.
 */
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
 * The price of `pricedMs` whole milliseconds of priced time: elapsed time less the allowance.
 *
 * `grace: false` ignores `grace_seconds`: credit is held from the first increment on.
 */
export function price(tariff: Tariff, pricedMs: number, { grace = true } = {}): Price {
  if (pricedMs <= 0) return NOTHING;
  if (grace && pricedMs <= 1000 * (tariff.grace_seconds ?? 0)) return NOTHING;
  // With "begun", an increment is owed from its first instant: the same as one millisecond more of time.
  const used = tariff.boundary === "begun" ? pricedMs + 1 : pricedMs;

  let numerator = micros(tariff.connect_fee ?? "0");
  let denominator = 1n;
  let covered = 0;
  for (const [index, tier] of tariff.tiers.entries()) {
    const next = tariff.tiers[index + 1];
    const end = Math.min(used, next ? whole(next.from_seconds) : used);
    // An increment that runs over the end of its tier covers the beginning of the next tier.
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

/** The tariff that charges a record: without the grace where the pair has used it. The twin of the service's `Record.pricing`. */
export function pricing({
  tariff,
  grace_used_at,
}: {
  tariff: Tariff;
  grace_used_at?: string | null;
}): Tariff {
  return grace_used_at ? { ...tariff, grace_seconds: 0 } : tariff;
}

function whole(seconds: number): number {
  return Math.round(seconds * 1000);
}

function round(numerator: bigint, denominator: bigint, tariff: Tariff): bigint {
  const unit = 10n ** BigInt(6 - (tariff.rounding?.places ?? 2));
  const step = denominator * unit;
  return ((numerator + lift(tariff.rounding?.mode ?? "up", step)) / step) * unit;
}

/** What is added before an amount is cut off at a whole `step`. A new mode without a case does not compile. */
function lift(mode: RoundingMode, step: bigint): bigint {
  switch (mode) {
    case "up":
      return step - 1n;
    case "down":
      return 0n;
    case "half_up":
      return step / 2n;
  }
}
