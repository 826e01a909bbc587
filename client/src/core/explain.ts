/** The arithmetic of a price, line by line, as a receipt shows it: the twin of `explain` in the service's `price.py`. */

import { ceilDiv, floorDiv, least, most } from "./integers.ts";
import { micros, price } from "./price.ts";
import { type Run, runsOf } from "./runs.ts";
import type { Tariff } from "./types.ts";

/** One line: what its amount, in micro-credits, is for. A run has a number of increments. */
export interface Line {
  what: "free" | "grace" | "connect" | "run" | "maximum" | "minimum" | "rounding";
  amount: bigint;
  run?: Run;
  units?: bigint;
}

/** The lines add up to the cost; the last line may be the rounding. */
export function explain(tariff: Tariff, elapsedMs: number, allowanceMs: number): Line[] {
  const pricedMs = elapsedMs - allowanceMs;
  const lines: Line[] = allowanceMs > 0 && elapsedMs > 0 ? [{ what: "free", amount: 0n }] : [];
  if (pricedMs <= 0) return lines;
  if (pricedMs <= 1000 * (tariff.grace_seconds ?? 0)) return [...lines, { what: "grace", amount: 0n }];
  const connectFee = micros(tariff.connect_fee ?? "0");
  if (connectFee !== 0n) lines.push({ what: "connect", amount: connectFee });

  const { scale, runs } = runsOf(tariff);
  const limitMs = BigInt(tariff.boundary === "begun" ? pricedMs + 1 : pricedMs);
  let total = connectFee * scale;
  for (const run of runs) {
    if (run.startMs >= limitMs) break;
    const begun = ceilDiv(limitMs - run.startMs, run.incrementMs);
    const units = least(begun, run.count ?? begun);
    lines.push({ what: "run", amount: floorDiv(units * run.unit, scale), run, units });
    total += units * run.unit;
  }

  const capped = cappedAt(tariff, scale, total);
  const minimum = micros(tariff.minimum_charge ?? "0") * scale;
  for (const [what, bounded] of [
    ["maximum", capped],
    ["minimum", most(capped, minimum)],
  ] as const) {
    if (bounded === total) continue;
    lines.push({ what, amount: floorDiv(bounded - total, scale) });
    total = bounded;
  }
  const rounding = price(tariff, pricedMs).micros - lines.reduce((sum, { amount }) => sum + amount, 0n);
  return rounding === 0n ? lines : [...lines, { what: "rounding", amount: rounding }];
}

function cappedAt(tariff: Tariff, scale: bigint, total: bigint): bigint {
  if (tariff.max_cost == null || tariff.at_max_cost === "stop") return total;
  return least(total, micros(tariff.max_cost) * scale);
}
