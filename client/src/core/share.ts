/**
 * How a cost divides between advisor and platform: the twin of the service's `terms.py`.
 *
 * Fees are taken before the split: one for each session that costs something, one for each minute of billed time. The
 * advisor's part is rounded once, down to a micro-credit; the platform gets the rest.
 */

import { ceilDiv, least, most } from "./integers.ts";
import { micros, price } from "./price.ts";
import { runsOf } from "./runs.ts";
import type { Tariff, Terms } from "./types.ts";

/** In micro-credits: what the advisor gets, and what of the platform's part are fees. */
export interface Share {
  advisor: bigint;
  fees: bigint;
}

const MINUTE_MS = 60_000n;
const WHOLE_PPM = 1_000_000n;

/** How the price of `pricedMs` whole milliseconds beyond the free allowance divides. */
export function share(terms: Terms, tariff: Tariff, pricedMs: number): Share {
  const { micros: cost, billedMs } = price(tariff, pricedMs);
  const minutesMs = least(BigInt(billedMs), paidMs(tariff) ?? BigInt(billedMs));
  // Over a minute's milliseconds, so that nothing is rounded yet.
  const fees =
    micros(terms.fee_per_session ?? "0") * MINUTE_MS + micros(terms.fee_per_minute ?? "0") * minutesMs;
  const left = cost * MINUTE_MS - fees;
  const net = most(0n, left);
  const sharePpm = BigInt(Math.round(terms.share_percent * 10_000));
  return {
    advisor: (net * sharePpm) / (MINUTE_MS * WHOLE_PPM),
    fees: least(cost, ceilDiv(fees, MINUTE_MS)),
  };
}

/** The billed time that bears fees; null for all of it. Time that `max_cost` has made free bears none. */
function paidMs(tariff: Tariff): bigint | null {
  if (tariff.max_cost == null || tariff.at_max_cost === "stop") return null;
  const { scale, runs } = runsOf(tariff);
  const maximum = micros(tariff.max_cost) * scale;
  for (const { startMs, incrementMs, unit, count, before } of runs) {
    if (before >= maximum) return startMs;
    if (unit === 0n) continue;
    const units = ceilDiv(maximum - before, unit);
    if (count === null || units <= count) return startMs + units * incrementMs;
  }
  return null;
}
