/** How a cost divides between advisor and platform: the twin of the service's `shares.py`. */

import { micros, price } from "./price.ts";
import type { Credits, Tariff } from "./types.ts";

export interface Terms {
  share_percent: number;
  fee_per_minute: Credits;
  fee_per_session: Credits;
}

const MINUTE = 60_000n;
const WHOLE_PPM = 1_000_000n;

/** Micro-credits of `pricedMs` beyond the free allowance: what is the advisor's, and what of the rest are fees. */
export function share(terms: Terms, tariff: Tariff, pricedMs: number): { advisor: bigint; fees: bigint } {
  const { micros: cost, billedMs } = price(tariff, pricedMs);
  const minutesMs = BigInt(Math.min(billedMs, paidMs(tariff)));
  const fees = micros(terms.fee_per_session) * MINUTE + micros(terms.fee_per_minute) * minutesMs;
  const left = cost * MINUTE - fees;
  const net = left > 0n ? left : 0n;
  const ppm = BigInt(Math.round(terms.share_percent * 10_000));
  const most = (fees + MINUTE - 1n) / MINUTE;
  return { advisor: (net * ppm) / (MINUTE * WHOLE_PPM), fees: most < cost ? most : cost };
}

/** How much billed time bears fees: what lies beyond the increment that reaches a `max_cost` that goes on is free. */
function paidMs(tariff: Tariff): number {
  if (tariff.max_cost == null || tariff.at_max_cost === "stop") return Number.POSITIVE_INFINITY;
  const scale = tariff.tiers.reduce((product, tier) => product * ms(tier.per_seconds), 1n);
  const most = micros(tariff.max_cost) * scale;
  let start = 0n;
  let before = micros(tariff.connect_fee ?? "0") * scale;
  for (const [index, tier] of tariff.tiers.entries()) {
    const increment = ms(tier.increment_seconds ?? 1);
    const unit = (increment * micros(tier.rate) * scale) / ms(tier.per_seconds);
    const next = tariff.tiers[index + 1];
    const count = next ? up(ms(next.from_seconds) - start, increment) : null;
    if (count !== null && count <= 0n) continue;
    if (before >= most) return Number(start);
    const units = unit ? up(most - before, unit) : null;
    if (units !== null && (count === null || units <= count)) return Number(start + units * increment);
    if (count === null) break;
    start += count * increment;
    before += count * unit;
  }
  return Number.POSITIVE_INFINITY;
}

function ms(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1000));
}

function up(amount: bigint, by: bigint): bigint {
  return amount <= 0n ? 0n : (amount + by - 1n) / by;
}
