/** What a timer says aloud: almost nothing, and only when a person would want to know. */

import type { Frame } from "./core/types.ts";

const WARNINGS: readonly (readonly [number, string])[] = [
  [30_000, "30 seconds left"],
  [60_000, "1 minute left"],
  [120_000, "2 minutes left"],
  [300_000, "5 minutes left"],
];

/** How far into the first paid time a start still counts as the moment it begins. */
const START_MS = 2000;

/** What to say when a screen goes from one frame to the next; null for silence. */
export function remark(before: Frame, frame: Frame): string | null {
  if (!before.snapshot) return null;
  if (frame.state === "ended" && before.state !== "ended") return "The conversation has ended";
  if (frame.reason === "out_of_credit" && before.reason !== "out_of_credit")
    return "Credit has run out, the timer is paused";
  // Coming back after an outage is no event.
  if (frame.state !== "running" || before.state === "reconnecting" || before.state === "syncing") return null;
  const ran = before.state === "running";
  if (frame.freeMs === 0) {
    const fresh = !ran && frame.recordElapsedMs < START_MS;
    if (fresh || (ran && before.freeMs > 0)) return "Paid time starts now";
  }
  const left = frame.remainingMs;
  const had = before.remainingMs;
  if (!ran || left === null || had === null) return null;
  return WARNINGS.find(([ms]) => left <= ms && had > ms)?.[1] ?? null;
}
