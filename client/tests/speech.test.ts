import { expect, test } from "vitest";
import type { Frame } from "../src/core/types.ts";
import { announcement } from "../src/speech.ts";
import { snapshot } from "./facts.ts";

function frame(changes: Partial<Frame> = {}): Frame {
  return {
    elapsedMs: 60_000,
    errorMs: 5,
    state: "running",
    balance: "4.00",
    reason: null,
    recordElapsedMs: 60_000,
    freeMs: 0,
    cost: "1.00",
    billedMs: 60_000,
    at: 0,
    endsAt: null,
    remainingMs: null,
    rechargeMs: null,
    snapshot: snapshot(60_000),
    ...changes,
  };
}

test.each([
  [300_000, "5 minutes left"],
  [120_000, "2 minutes left"],
  [60_000, "1 minute left"],
  [30_000, "30 seconds left"],
])("at %d ms before the end it says %s, once", (ms, words) => {
  const left = (remainingMs: number) => frame({ remainingMs });
  expect(announcement(left(ms + 500), left(ms - 500))).toBe(words);
  expect(announcement(left(ms - 500), left(ms - 1500))).toBeNull();
  expect(announcement(left(ms + 2500), left(ms + 1500))).toBeNull();
});

test("paid time is announced when free time ends or a paid record starts, not when a connection is back", () => {
  const free = frame({ freeMs: 400 });
  expect(announcement(free, frame())).toBe("Paid time starts now");
  const paused = frame({ state: "paused", reason: "paused" });
  expect(announcement(paused, frame({ recordElapsedMs: 500 }))).toBe("Paid time starts now");
  for (const state of ["syncing", "reconnecting"] as const)
    expect(announcement(frame({ state, freeMs: 400 }), frame({ recordElapsedMs: 500 }))).toBeNull();
  expect(announcement(frame({ snapshot: null }), frame())).toBeNull();
});

test("the end is announced, and the end of the credit, but not a pause", () => {
  expect(announcement(frame(), frame({ state: "ended" }))).toBe("The conversation has ended");
  const out = frame({ state: "paused", reason: "out_of_credit" });
  expect(announcement(frame(), out)).toBe("Credit has run out, the timer is paused");
  expect(announcement(out, out)).toBeNull();
  expect(announcement(frame(), frame({ state: "paused", reason: "paused" }))).toBeNull();
  expect(announcement(frame({ remainingMs: 400_000 }), frame({ remainingMs: 399_000 }))).toBeNull();
});
