import { expect, test } from "vitest";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { isHere } from "../../src/talk/presence.ts";
import { at, PAUSED, snapshot, TEN } from "../facts.ts";

function frame(facts: Snapshot, over: Partial<Frame> = {}): Frame {
  return { state: "paused", at: TEN, isStanding: false, snapshot: facts, ...over } as Frame;
}

const HERE = { user: true, advisor: true, until: null };

test("while time runs both are here, unless digits stand or the connection is lost", () => {
  expect(isHere(frame(snapshot(0)), "advisor")).toBe(true);
  expect(isHere(frame(snapshot(0), { isStanding: true }), "advisor")).toBeNull();
  expect(isHere(frame(snapshot(0), { state: "reconnecting" }), "advisor")).toBeNull();
});

test("a party who has not come to the chat to which the time has moved is not here", () => {
  const moved = snapshot(0, { presence: { user: true, advisor: false, until: at(9000) } });
  expect(isHere(frame(moved), "advisor")).toBe(false);
  expect(isHere(frame(moved), "user")).toBe(true);
});

test("while the record waits, who is here is said where live channels prove it", () => {
  const facts = (presence: Snapshot["presence"]) => snapshot(0, { ...PAUSED, presence });
  expect(isHere(frame(facts(HERE)), "advisor")).toBe(true);
  expect(isHere(frame(facts({ ...HERE, advisor: false })), "advisor")).toBe(false);
  expect(isHere(frame(facts({ ...HERE, until: at(1) })), "advisor")).toBeNull();
  expect(isHere(frame(facts(null)), "advisor")).toBeNull();
});

test("where a record waits for somebody, the page says so already", () => {
  const away = snapshot(0, {
    ...PAUSED,
    record: { ...PAUSED.record, reason: "advisor_away" },
    presence: { user: true, advisor: false, until: null },
  });
  expect(isHere(frame(away), "advisor")).toBeNull();
  expect(isHere(frame(away), "user")).toBe(true);
});

test("a snapshot of an earlier node says nothing", () => {
  const { presence: _, ...facts } = snapshot(0, PAUSED);
  expect(isHere(frame(facts as Snapshot), "advisor")).toBeNull();
});
