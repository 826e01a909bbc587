/**
 * How a cost divides between advisor and platform: the twin of the service's `terms.py`.
 *
 * Fees are taken before the share: one for each record that costs something, one for each minute of billed time. The
 * advisor's part is rounded once, down to a micro-credit; the platform gets the rest.
 */

import { ceilDiv, least, most } from "./integers.ts";
import { micros, price } from "./price.ts";
import { runsOf } from "./runs.ts";
import type { Tariff, Terms } from "./types.ts";

/** In micro-credits: the advisor's part, and the fees in the platform's part. */
export interface Share {
  advisor: bigint;
  fees: bigint;
}

const MINUTE_MS = 60_000n;
const WHOLE_PPM = 1_000_000n;

/** How the price of `pricedMs` whole milliseconds of priced time divides. */
export function share(terms: Terms, tariff: Tariff, pricedMs: number): Share {
  const { micros: cost, billedMs } = price(tariff, pricedMs);
  const minutesMs = least(BigInt(billedMs), paidMs(tariff) ?? BigInt(billedMs));
  // Everything is multiplied by the milliseconds of a minute, so that nothing is rounded yet.
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

/** The billed time for which fees are taken; null for all of it. Time that `max_cost` has made free bears no fee. */
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
