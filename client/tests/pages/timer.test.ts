import { expect, test } from "vitest";
import { actsOf, explanationOf, forecast, phaseOf, warning } from "../../pages/texts/timer.ts";
import type { Frame, Reason, Snapshot } from "../../src/core/types.ts";
import { PAUSED, snapshot, TEN } from "../facts.ts";

const RUNS = snapshot(10_000);

function frame(facts: Snapshot, over: Partial<Frame> = {}): Frame {
  return {
    state: facts.timer.running ? "running" : "paused",
    reason: facts.record?.reason ?? null,
    elapsedMs: 10_000,
    errorMs: 5,
    balance: "5.00",
    recordElapsedMs: 10_000,
    freeMs: 0,
    cost: "1.00",
    billedMs: 60_000,
    at: TEN,
    endsAt: TEN + 420_000,
    remainingMs: 420_000,
    rechargeMs: null,
    snapshot: facts,
    ...over,
  };
}

function paused(reason: Reason): Snapshot {
  return snapshot(10_000, { ...PAUSED, record: { ...PAUSED.record, reason } });
}

const MOVED = snapshot(10_000, { timer: PAUSED.timer, chat: { id: "left" } });
const NEW: Snapshot = { ...snapshot(0, { timer: PAUSED.timer }), record: null };

test("while the timer runs nothing is explained, and both parties can pause and stop", () => {
  expect(explanationOf(frame(RUNS), "user", "Maya")).toBeNull();
  for (const side of ["user", "advisor"] as const)
    expect(actsOf(RUNS, side)).toEqual({ start: null, pause: true, resume: false, stop: true });
  expect(actsOf(RUNS, "operator")).toEqual({ start: null, pause: false, resume: false, stop: true });
});

test("only the user can start, and only where no timer runs in this chat", () => {
  expect(actsOf(NEW, "user").start).toBe("Start");
  expect(actsOf(MOVED, "user").start).toBe("Continue here");
  expect(actsOf(NEW, "advisor").start).toBeNull();
  expect(actsOf(MOVED, "advisor").start).toBeNull();
});

test("after a pause a person resumes; after a lapsed lease the timer resumes by itself", () => {
  expect(actsOf(paused("paused"), "advisor").resume).toBe(true);
  expect(actsOf(paused("user_away"), "user").resume).toBe(false);
  expect(explanationOf(frame(paused("user_away")), "advisor", "Alice")?.title).toBe("Alice is away");
  expect(explanationOf(frame(paused("user_away")), "user", "Maya")?.title).toBe("You were away");
  expect(explanationOf(frame(paused("advisor_away")), "user", "Maya")?.title).toBe("Maya is away");
});

test("the pause names who paused, as the viewer sees that person", () => {
  const by = (paused_by: "user" | "advisor" | "service" | null): Frame => {
    const facts = paused("paused");
    return frame({ ...facts, record: facts.record && { ...facts.record, paused_by } });
  };
  expect(explanationOf(by("advisor"), "user", "Asha")?.title).toBe("Asha paused");
  expect(explanationOf(by("user"), "user", "Asha")?.title).toBe("You paused");
  expect(explanationOf(by("user"), "advisor", "the user")?.title).toBe("The user paused");
  expect(explanationOf(by("advisor"), "operator", "Alice")?.title).toBe("The advisor paused");
  expect(explanationOf(by("service"), "user", "Asha")?.title).toBe("Paused");
  expect(explanationOf(by(null), "user", "Asha")?.title).toBe("Paused");
});

test("out of credit says how long the record waits, and offers the user to top up", () => {
  const facts = frame(paused("out_of_credit"), { rechargeMs: 102_400 });
  expect(explanationOf(facts, "user", "Maya")).toMatchObject({ tone: "warn", topUp: true });
  expect(explanationOf(facts, "user", "Maya")?.text).toContain("1:43");
  expect(explanationOf(facts, "advisor", "Alice")).toMatchObject({
    title: "Alice is out of credit",
    topUp: false,
  });
});

test("a chat that the record has left links to the current chat", () => {
  expect(explanationOf(frame(MOVED), "user", "Maya")?.link?.page).toBe(
    `/chat/${RUNS.record?.current_chat_id}`,
  );
});

test("a timer that failed to start is announced as starting", () => {
  const facts = frame(paused("timer_failed"));
  expect(explanationOf(facts, "user", "Maya")?.title).toBe("Starting…");
  expect(phaseOf(facts)?.text).toBe("Starting…");
});

test("free time and paid time have names of their own", () => {
  expect(phaseOf(frame(RUNS, { freeMs: 1 }))?.text).toBe("Free time");
  expect(phaseOf(frame(RUNS, { freeMs: 0 }))?.text).toBe("Paid time");
  expect(phaseOf(frame(NEW))).toBeNull();
  expect(phaseOf(frame(RUNS, { state: "reconnecting" }))).toEqual({ phase: "still", text: "Connecting…" });
});

test("the forecast is in minutes, and is empty while no timer runs", () => {
  expect(forecast(frame(RUNS), "user", "Maya")).toMatch(/^Enough for about 7 min, until \d\d:\d\d$/);
  expect(forecast(frame(RUNS), "advisor", "Alice")).toMatch(/^Alice can go on for about 7 min/);
  expect(forecast(frame(RUNS, { endsAt: null, remainingMs: null }), "user", "Maya")).toContain(
    "don’t run out",
  );
  expect(forecast(frame(paused("paused")), "user", "Maya")).toBe("");
  expect(forecast(frame(RUNS, { at: null, remainingMs: null }), "user", "Maya")).toBe("");
});

test.each([
  [300_001, null],
  [300_000, "Less than 5 minutes of credit left"],
  [120_000, "Less than 2 minutes of credit left"],
  [60_000, "Less than a minute of credit left"],
  [30_000, "Less than 30 seconds of credit left"],
])("with %i ms left the warning is %s", (remainingMs, words) => {
  expect(warning(frame(RUNS, { remainingMs }))?.text ?? null).toBe(words);
});

test("there is no warning while no timer runs", () => {
  expect(warning(frame(paused("paused"), { remainingMs: 1000 }))).toBeNull();
});
