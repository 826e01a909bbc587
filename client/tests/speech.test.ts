import { expect, test } from "vitest";
import type { Frame } from "../src/core/types.ts";
import { announcement } from "../src/speech.ts";
import { snapshot } from "./facts.ts";

function frame(changes: Partial<Frame> = {}): Frame {
  return {
    elapsedMs: 60_000,
    chatElapsedMs: 60_000,
    earned: null,
    errorMs: 5,
    state: "running",
    balance: "4.00",
    reason: null,
    freeMs: 0,
    cost: "1.00",
    billedMs: 60_000,
    at: 0,
    endsAt: null,
    remainingMs: null,
    rechargeMs: null,
    isStanding: false,
    snapshot: snapshot(60_000),
    ...changes,
  };
}

test.each([
  [300_000, "left5Minutes"],
  [120_000, "left2Minutes"],
  [60_000, "left1Minute"],
  [30_000, "left30Seconds"],
])("at %d ms before the end it says %s, once", (ms, words) => {
  const left = (remainingMs: number) => frame({ remainingMs });
  expect(announcement(left(ms + 500), left(ms - 500))).toBe(words);
  expect(announcement(left(ms - 500), left(ms - 1500))).toBeNull();
  expect(announcement(left(ms + 2500), left(ms + 1500))).toBeNull();
});

test("paid time is announced when free time ends or a paid record starts, not when a connection is back", () => {
  const free = frame({ freeMs: 400, billedMs: 0, cost: "0.00" });
  expect(announcement(free, frame())).toBe("paidTimeStarts");
  const paused = frame({ state: "paused", reason: "paused" });
  expect(announcement(paused, frame({ elapsedMs: 500 }))).toBe("paidTimeStarts");
  for (const state of ["syncing", "reconnecting"] as const)
    expect(announcement(frame({ ...free, state }), frame({ elapsedMs: 500 }))).toBeNull();
  expect(announcement(frame({ snapshot: null }), frame())).toBeNull();
});

test("the grace is not paid time: paid time is announced when the grace has passed", () => {
  const grace = frame({ elapsedMs: 500, billedMs: 0, cost: "0.00" });
  const waits = frame({ ...grace, state: "paused", reason: "advisor_away", elapsedMs: 0 });
  expect(announcement(waits, grace)).toBeNull();
  expect(announcement(frame({ ...grace, elapsedMs: 29_900 }), frame({ elapsedMs: 30_100 }))).toBe(
    "paidTimeStarts",
  );
  expect(announcement(frame(), frame({ elapsedMs: 61_000 }))).toBeNull();
});

test("a record whose first frame is at its first millisecond is announced, also after an earlier record", () => {
  const first = frame({ elapsedMs: 0, billedMs: 0, cost: "0.00" });
  expect(announcement(frame({ state: "ended", reason: "stopped" }), first)).toBeNull();
  expect(announcement(first, frame({ elapsedMs: 900 }))).toBe("paidTimeStarts");
  expect(announcement(frame({ state: "ended", reason: "stopped" }), frame({ elapsedMs: 900 }))).toBe(
    "paidTimeStarts",
  );
});

test("the end is announced, and the end of the credit, but not a pause", () => {
  expect(announcement(frame(), frame({ state: "ended" }))).toBe("conversationEnded");
  const out = frame({ state: "paused", reason: "out_of_credit" });
  expect(announcement(frame(), out)).toBe("creditRanOut");
  expect(announcement(out, out)).toBeNull();
  expect(announcement(frame(), frame({ state: "paused", reason: "paused" }))).toBeNull();
  expect(announcement(frame({ remainingMs: 400_000 }), frame({ remainingMs: 399_000 }))).toBeNull();
});
