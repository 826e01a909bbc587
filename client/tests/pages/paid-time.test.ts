// @vitest-environment happy-dom
import "./dictionary.ts";
import { beforeEach, expect, test } from "vitest";
import { announcePaidTime } from "../../pages/chat/paid-time.ts";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { PAUSED, snapshot } from "../facts.ts";

const RUNS = snapshot(10_000);

function frame(billedMs: number, facts: Snapshot = RUNS): Frame {
  return { billedMs, freeMs: 0, snapshot: facts } as Frame;
}

function said(before: Frame, now: Frame): string | null {
  announcePaidTime(now, before);
  const line = document.getElementById("paid");
  return line?.hidden ? null : (line?.textContent ?? null);
}

beforeEach(() => {
  document.body.innerHTML = '<p id="paid" hidden></p>';
});

test("paid time begins at the end of the grace, and the grace is not named any more", () => {
  const facts = { ...RUNS, tariff: { ...RUNS.tariff, grace_seconds: 30 } };
  const waits = frame(0, { ...facts, timer: { ...facts.timer, running: false } });
  expect(said(waits, frame(0, facts))).toBeNull();
  const ended = frame(60_000, {
    ...facts,
    record: { ...facts.record, id: "earlier", state: "ended" } as never,
  });
  expect(said(ended, frame(0, facts))).toBeNull();
  expect(said(frame(0, facts), frame(60_000, facts))).toBe(
    "Paid time starts now. 1.00 a minute, by whole minutes",
  );
});

test("a record that is paid from its start is announced, and nothing in the middle of paid time", () => {
  const earlier = frame(60_000, snapshot(10_000, { ...PAUSED, record: { id: "earlier", state: "ended" } }));
  expect(said(earlier, frame(60_000))).toContain("Paid time starts now.");
  document.body.innerHTML = '<p id="paid" hidden></p>';
  expect(said(frame(60_000, snapshot(10_000, PAUSED)), frame(60_000))).toBeNull();
  expect(said(frame(60_000), frame(120_000))).toBeNull();
});
