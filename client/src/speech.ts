/** What the element says to screen readers: only what a person has to know at once. */

import type { Frame } from "./core/types.ts";

const WARNINGS: readonly (readonly [number, string])[] = [
  [30_000, "30 seconds left"],
  [60_000, "1 minute left"],
  [120_000, "2 minutes left"],
  [300_000, "5 minutes left"],
];

/** Up to this elapsed time, a record that starts with paid time is announced as paid time that starts. */
const START_MS = 2000;

/** What to say when the screen goes from one frame to the next; null for nothing. */
export function announcement(before: Frame, frame: Frame): string | null {
  if (!before.snapshot) return null;
  if (frame.state === "ended" && before.state !== "ended") return "The conversation has ended";
  if (frame.reason === "out_of_credit" && before.reason !== "out_of_credit")
    return "Credit has run out, the timer is paused";
  // The connection came back: nothing has happened to the timer.
  if (frame.state !== "running" || before.state === "reconnecting" || before.state === "syncing") return null;
  const ran = before.state === "running";
  if (frame.freeMs === 0) {
    const hasStarted = !ran && frame.recordElapsedMs < START_MS;
    if (hasStarted || (ran && before.freeMs > 0)) return "Paid time starts now";
  }
  const left = frame.remainingMs;
  const had = before.remainingMs;
  if (!ran || left === null || had === null) return null;
  return WARNINGS.find(([ms]) => left <= ms && had > ms)?.[1] ?? null;
}
