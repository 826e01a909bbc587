/** What the element says to screen readers: only what a person has to know at once. */

import type { Frame } from "./core/types.ts";
import type { Words } from "./words.ts";

const WARNINGS: readonly (readonly [number, keyof Words])[] = [
  [30_000, "left30Seconds"],
  [60_000, "left1Minute"],
  [120_000, "left2Minutes"],
  [300_000, "left5Minutes"],
];

/** Up to this elapsed time, a record that starts with paid time is announced as paid time that starts. */
const START_MS = 2000;

/** What to say when the screen goes from one frame to the next, as the name of its words; null for nothing. */
export function announcement(before: Frame, frame: Frame): keyof Words | null {
  if (!before.snapshot) return null;
  if (frame.state === "ended" && before.state !== "ended") return "conversationEnded";
  if (frame.reason === "out_of_credit" && before.reason !== "out_of_credit") return "creditRanOut";
  // The connection came back: nothing has happened to the timer.
  if (frame.state !== "running" || before.state === "reconnecting" || before.state === "syncing") return null;
  const ran = before.state === "running";
  // Free time and the grace are not billed.
  if (frame.billedMs && (!before.billedMs || (!ran && (frame.elapsedMs ?? 0) < START_MS)))
    return "paidTimeStarts";
  const left = frame.remainingMs;
  const had = before.remainingMs;
  if (!ran || left === null || had === null) return null;
  return WARNINGS.find(([ms]) => left <= ms && had > ms)?.[1] ?? null;
}
