import "./dictionary.ts";
import { expect, test } from "vitest";
import { partsOf } from "../../pages/receipt/timeline.ts";
import type { Segment } from "../../src/core/types.ts";

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 5) + seconds * 1000).toISOString();

function segment(chat_id: string, from: number, to: number | null, reason: Segment["reason"]): Segment {
  const ended_at = to === null ? null : at(to);
  return {
    chat_id,
    started_at: at(from),
    ended_at,
    duration_ms: ((to ?? 90) - from) * 1000,
    reason,
    caused_by: null,
  };
}

test("a switch leaves no pause between two segments; a pause has its reason", () => {
  const parts = partsOf(
    [segment("a", 0, 30, "switched"), segment("b", 30, 50, "user_away"), segment("a", 70, 80, "stopped")],
    at(80),
  );
  expect(parts.map(({ chat, ms, reason }) => [chat, ms, reason])).toEqual([
    [1, 30_000, "switched"],
    [2, 20_000, "user_away"],
    [null, 20_000, "user_away"],
    [1, 10_000, "stopped"],
  ]);
});

test("after the last segment there is a pause up to the end", () => {
  const parts = partsOf([segment("a", 0, 30, "paused")], at(90));
  expect(parts.at(-1)).toEqual({ from: at(30), to: at(90), ms: 60_000, chat: null, reason: "paused" });
});

test("an open segment lasts until now", () => {
  expect(partsOf([segment("a", 60, null, null)], at(90))).toEqual([
    { from: at(60), to: at(90), ms: 30_000, chat: 1, reason: null },
  ]);
});

test("chats have the numbers that they have on the pages of chats", () => {
  const parts = partsOf(
    [segment("c", 0, 30, "switched"), segment("b", 30, 50, "switched"), segment("c", 50, 60, "stopped")],
    at(60),
    new Map([
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ]),
  );
  expect(parts.map(({ chat }) => chat)).toEqual([3, 2, 3]);
});

test("without a segment the timeline has no part", () => {
  expect(partsOf([], at(0))).toEqual([]);
});
