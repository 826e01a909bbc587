import { expect, test } from "vitest";
import { writingOf } from "../../src/talk/writing.ts";
import { at, PAUSED, snapshot } from "../facts.ts";

const RUNS = snapshot(10_000);
const STANDS = snapshot(10_000, PAUSED);
const WAITS = { ...STANDS, elapsed_ms: 0 };
const ENDED = snapshot(0, { ...PAUSED, record: { state: "ended", reason: "missed" } });

test("one writes while time runs, and not while it stands or before there is a record", () => {
  for (const party of ["user", "advisor"] as const) {
    expect(writingOf(RUNS, party, null)).toEqual({ most: 4000, why: null });
    for (const facts of [STANDS, ENDED, { ...WAITS, record: null }])
      expect(writingOf(facts, party, null)).toEqual({ most: 0, why: "writeWhileRunning" });
  }
});

test("before the first second of a record a user sends one note, and the advisor none", () => {
  expect(writingOf(WAITS, "user", null)).toEqual({ most: 500, why: "writeNote" });
  expect(writingOf(WAITS, "user", at(-1))).toEqual({ most: 500, why: "writeNote" });
  expect(writingOf(WAITS, "user", at(0))).toEqual({ most: 0, why: "noteSent" });
  expect(writingOf(WAITS, "advisor", null).most).toBe(0);
});
