/** The tariff as it is for this pair: free time may be used up, and grace may be used for today. */

import type { Offer, Receipt, Snapshot, Tariff } from "../../src/core/types.ts";

/** The tariff of the record of a snapshot, with the free time and the grace that this record has. */
export function tariffOf({ tariff, allowance_ms, grace_used_at }: Snapshot): Tariff {
  return changed(tariff, allowance_ms, !grace_used_at);
}

/** As `tariffOf`, from a receipt. */
export function tariffOfReceipt({ tariff, free_ms_before, grace_used_at }: Receipt): Tariff {
  const freeMs = Math.max(0, 1000 * (tariff.free_seconds ?? 0) - free_ms_before);
  return changed(tariff, freeMs, !grace_used_at);
}

/** As `tariffOf`, for a record that has not begun. */
export function tariffOfOffer({ tariff, free_remaining_ms, grace_used_at }: Offer): Tariff {
  return changed(tariff, free_remaining_ms, !grace_used_at);
}

/** A duration in ms as the free time of a tariff: in whole seconds, rounded down, so that not more is promised. */
function changed(tariff: Tariff, freeMs: number, hasGrace: boolean): Tariff {
  return {
    ...tariff,
    free_seconds: Math.floor(freeMs / 1000),
    ...(!hasGrace && { grace_seconds: 0 }),
  };
}
