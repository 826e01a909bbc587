/** The arithmetic of a price, line by line, as a receipt shows it: the twin of `explain` in the service's `price.py`. */

import { ceilDiv, floorDiv, least, most } from "./integers.ts";
import { micros, price } from "./price.ts";
import { runsOf } from "./runs.ts";
import type { Tariff } from "./types.ts";

/** The amount of each line in micro-credits. The lines add up to the cost; the last line may be the rounding. */
export function explain(tariff: Tariff, elapsedMs: number, allowanceMs: number): bigint[] {
  const pricedMs = elapsedMs - allowanceMs;
  const lines: bigint[] = allowanceMs > 0 && elapsedMs > 0 ? [0n] : []; // free time
  if (pricedMs <= 0) return lines;
  if (pricedMs <= 1000 * (tariff.grace_seconds ?? 0)) return [...lines, 0n];
  const connectFee = micros(tariff.connect_fee ?? "0");
  if (connectFee !== 0n) lines.push(connectFee);

  const { scale, runs } = runsOf(tariff);
  const limitMs = BigInt(tariff.boundary === "begun" ? pricedMs + 1 : pricedMs);
  let total = connectFee * scale;
  for (const { startMs, incrementMs, unit, count } of runs) {
    if (startMs >= limitMs) break;
    const begun = ceilDiv(limitMs - startMs, incrementMs);
    const units = least(begun, count ?? begun);
    lines.push(floorDiv(units * unit, scale));
    total += units * unit;
  }

  const capped = cappedAt(tariff, scale, total);
  const minimum = micros(tariff.minimum_charge ?? "0") * scale;
  for (const bounded of [capped, most(capped, minimum)]) {
    if (bounded === total) continue;
    lines.push(floorDiv(bounded - total, scale));
    total = bounded;
  }
  const rounding = price(tariff, pricedMs).micros - lines.reduce((sum, amount) => sum + amount, 0n);
  return rounding === 0n ? lines : [...lines, rounding];
}

function cappedAt(tariff: Tariff, scale: bigint, total: bigint): bigint {
  if (tariff.max_cost == null || tariff.at_max_cost === "stop") return total;
  return least(total, micros(tariff.max_cost) * scale);
}
