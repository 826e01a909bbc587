import { expect, test } from "vitest";
import { actsOf, explain, forecast, phaseOf, warning } from "../../pages/texts/explain.ts";
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

test("while it runs there is nothing to explain, and both sides can pause and stop", () => {
  expect(explain(frame(RUNS), "user", "Maya")).toBeNull();
  for (const side of ["user", "advisor"] as const)
    expect(actsOf(RUNS, side)).toEqual({ start: null, pause: true, resume: false, stop: true });
  expect(actsOf(RUNS, "operator")).toEqual({ start: null, pause: false, resume: false, stop: true });
});

test("only the user can start, and only what is not running here", () => {
  expect(actsOf(NEW, "user").start).toBe("Start");
  expect(actsOf(MOVED, "user").start).toBe("Continue here");
  expect(actsOf(NEW, "advisor").start).toBeNull();
  expect(actsOf(MOVED, "advisor").start).toBeNull();
});

test("a person's pause is continued by a person; a lease that comes back needs nobody", () => {
  expect(actsOf(paused("paused"), "advisor").resume).toBe(true);
  expect(actsOf(paused("user_away"), "user").resume).toBe(false);
  expect(explain(frame(paused("user_away")), "advisor", "Alice")?.title).toBe("Alice is away");
  expect(explain(frame(paused("user_away")), "user", "Maya")?.title).toBe("You were away");
  expect(explain(frame(paused("advisor_away")), "user", "Maya")?.title).toBe("Maya is away");
});

test("whoever paused is named, from where one looks", () => {
  const by = (paused_by: "user" | "advisor" | "service" | null): Frame => {
    const facts = paused("paused");
    return frame({ ...facts, record: facts.record && { ...facts.record, paused_by } });
  };
  expect(explain(by("advisor"), "user", "Asha")?.title).toBe("Asha paused");
  expect(explain(by("user"), "user", "Asha")?.title).toBe("You paused");
  expect(explain(by("user"), "advisor", "the user")?.title).toBe("The user paused");
  expect(explain(by("advisor"), "operator", "Alice")?.title).toBe("The advisor paused");
  expect(explain(by("service"), "user", "Asha")?.title).toBe("Paused");
  expect(explain(by(null), "user", "Asha")?.title).toBe("Paused");
});

test("out of credit tells how long it waits, and offers the user to top up", () => {
  const facts = frame(paused("out_of_credit"), { rechargeMs: 102_400 });
  expect(explain(facts, "user", "Maya")).toMatchObject({ tone: "warn", topUp: true });
  expect(explain(facts, "user", "Maya")?.text).toContain("1:43");
  expect(explain(facts, "advisor", "Alice")).toMatchObject({ title: "Alice is out of credit", topUp: false });
});

test("a chat that was left leads to the one that goes on", () => {
  expect(explain(frame(MOVED), "user", "Maya")?.link?.page).toBe(`/chat/${RUNS.record?.current_chat_id}`);
});

test("a timer that failed to start says so instead of counting", () => {
  const facts = frame(paused("timer_failed"));
  expect(explain(facts, "user", "Maya")?.title).toBe("Starting…");
  expect(phaseOf(facts)?.text).toBe("Starting…");
});

test("free and paid time have their own names", () => {
  expect(phaseOf(frame(RUNS, { freeMs: 1 }))?.text).toBe("Free time");
  expect(phaseOf(frame(RUNS, { freeMs: 0 }))?.text).toBe("Paid time");
  expect(phaseOf(frame(NEW))).toBeNull();
  expect(phaseOf(frame(RUNS, { state: "reconnecting" }))).toEqual({ phase: "still", text: "Connecting…" });
});

test("the forecast speaks of minutes, and of nothing while the timer stands", () => {
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

test("nothing warns while the timer stands", () => {
  expect(warning(frame(paused("paused"), { remainingMs: 1000 }))).toBeNull();
});
