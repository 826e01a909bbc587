/** The tariff as it is for this pair: free time may be used up, and grace may be used for today. */

import { price } from "../../src/core/price.ts";
import type { Receipt, Snapshot, Tariff } from "../../src/core/types.ts";

const GRACE_INTERVAL_MS = 24 * 3_600_000;

/** The tariff of the record of a snapshot, with the free time and the grace that this record has. */
export function tariffOf({ tariff, allowance_ms, grace_used_at }: Snapshot): Tariff {
  return changed(tariff, allowance_ms, !grace_used_at);
}

/** As `tariffOf`, from a receipt. */
export function tariffOfReceipt({ tariff, free_ms_before, grace_used_at }: Receipt): Tariff {
  const freeMs = Math.max(0, 1000 * (tariff.free_seconds ?? 0) - free_ms_before);
  return changed(tariff, freeMs, !grace_used_at);
}

/** The tariff of a record that begins after the ended record of the snapshot. `tariff` is that of the advisor now. */
export function nextTariff(tariff: Tariff, snapshot: Snapshot): Tariff {
  const usedAt = graceUsedAt(snapshot);
  const hasGrace =
    usedAt === null || Date.parse(snapshot.server_time) - Date.parse(usedAt) >= GRACE_INTERVAL_MS;
  return changed(tariff, snapshot.free_remaining_ms, hasGrace);
}

/** A duration in ms as the free time of a tariff, which names whole seconds, as the digits do. */
function changed(tariff: Tariff, freeMs: number, hasGrace: boolean): Tariff {
  return {
    ...tariff,
    free_seconds: Math.ceil(freeMs / 1000),
    ...(!hasGrace && { grace_seconds: 0 }),
  };
}

/** The start of the record that has used the grace: an earlier record, or the one of the snapshot. */
function graceUsedAt({ record, tariff, elapsed_ms, allowance_ms, grace_used_at }: Snapshot): string | null {
  const paidMs = elapsed_ms - allowance_ms;
  const isFree = paidMs > 0 && price(tariff, paidMs).micros === 0n;
  const isByGrace = isFree && price(tariff, paidMs, { grace: false }).micros > 0n;
  return grace_used_at ?? (isByGrace ? (record?.started_at ?? null) : null);
}
