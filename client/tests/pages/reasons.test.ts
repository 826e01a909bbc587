import "./dictionary.ts";
import { expect, test } from "vitest";
import { endReason, gapReason } from "../../pages/receipt/reasons.ts";
import type { ConversationRecord, Gap, Receipt } from "../../src/core/types.ts";
import { at, PAUSED, snapshot } from "../facts.ts";

function record(changes: Partial<ConversationRecord>): ConversationRecord {
  return { ...(snapshot(0).record as ConversationRecord), ...changes };
}

function gap(from: number, reason: Gap["reason"]): Gap {
  return { started_at: at(from), ended_at: at(from + 5000), duration_ms: 5000, reason, caused_by: "advisor" };
}

test.each([
  ["accepted", 0, "advisor_away", "ringing"],
  ["accepted", 60_000, "advisor_away", "advisor away"],
  ["accepted", 0, "platform", "our service was not available"],
  ["present", 0, "advisor_away", "advisor away"],
] as const)("a record that starts %s, %i ms after its start, %s: %s", (starts, from, reason, text) => {
  expect(gapReason(gap(from, reason), record({ starts }))).toBe(text);
});

test.each([
  [{ state: "ended", reason: "abandoned", starts: "present" }, 0, "the advisor did not come"],
  [{ state: "ended", reason: "abandoned", starts: "present" }, 60_000, "nobody continued"],
  [{ state: "ended", reason: "abandoned", starts: "accepted" }, 0, "nobody continued"],
  [{ state: "ended", reason: "stopped", ended_by: "user" }, 60_000, "stopped (by the user)"],
  [PAUSED.record, 60_000, "not yet"],
] as const)("the receipt of %o after %i ms: %s", (changes, elapsed_ms, text) => {
  expect(endReason({ record: record(changes), elapsed_ms } as Receipt)).toBe(text);
});
