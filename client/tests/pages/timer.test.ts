import "./dictionary.ts";
import { expect, test } from "vitest";
import {
  earnedText,
  explanationOf,
  forecast,
  heldText,
  leftText,
  phaseOf,
  warning,
} from "../../pages/texts/timer.ts";
import { money } from "../../pages/texts/words.ts";
import type { Frame, Reason, Snapshot } from "../../src/core/types.ts";
import { actsOf } from "../../src/talk/acts.ts";
import { at, PAUSED, snapshot, TEN } from "../facts.ts";

const RUNS = snapshot(10_000);

function frame(facts: Snapshot, over: Partial<Frame> = {}): Frame {
  return {
    state: facts.timer.running ? "running" : "paused",
    reason: facts.record?.reason ?? null,
    elapsedMs: 10_000,
    errorMs: 5,
    balance: "5.00",
    chatElapsedMs: 10_000,
    earned: null,
    freeMs: 0,
    cost: "1.00",
    billedMs: 60_000,
    at: TEN,
    endsAt: TEN + 420_000,
    remainingMs: 420_000,
    rechargeMs: null,
    isStanding: false,
    snapshot: facts,
    ...over,
  };
}

function paused(reason: Reason): Snapshot {
  return snapshot(10_000, { ...PAUSED, record: { ...PAUSED.record, reason } });
}

/** A record that was cut at the end of its first minute. */
function withoutCredit(balance: string): Snapshot {
  return { ...paused("out_of_credit"), elapsed_ms: 60_000, balance };
}

const PAUSED_BY_USER = { ...snapshot(10_000, PAUSED).record, paused_by: "user" } as NonNullable<
  Snapshot["record"]
>;
const MOVED = snapshot(10_000, { timer: PAUSED.timer, chat: { id: "left" } });
const NEW: Snapshot = { ...snapshot(0, { timer: PAUSED.timer }), record: null };

test("while the timer runs nothing is explained, and both parties can pause and stop", () => {
  expect(explanationOf(frame(RUNS), "user", "Maya")).toBeNull();
  for (const side of ["user", "advisor"] as const)
    expect(actsOf(RUNS, side)).toEqual({
      start: null,
      accept: false,
      decline: false,
      pause: true,
      resume: false,
      stop: true,
    });
  expect(actsOf(RUNS, "operator")).toEqual({
    start: null,
    accept: false,
    decline: false,
    pause: false,
    resume: false,
    stop: true,
  });
});

test("only the user can start, and only where no timer runs in this chat", () => {
  expect(actsOf(NEW, "user").start).toBe("start");
  expect(actsOf(MOVED, "user").start).toBe("continueHere");
  expect(actsOf(NEW, "advisor").start).toBeNull();
  expect(actsOf(MOVED, "advisor").start).toBeNull();
});

test("after a pause a person resumes; after a lapsed lease the timer resumes by itself", () => {
  expect(actsOf(paused("paused"), "user").resume).toBe(true);
  expect(actsOf(paused("user_away"), "user").resume).toBe(false);
  expect(explanationOf(frame(paused("user_away")), "advisor", "Alice")?.title).toBe("Alice is away");
  expect(explanationOf(frame(paused("user_away")), "user", "Maya")?.title).toBe("You were away");
  expect(explanationOf(frame(paused("advisor_away")), "user", "Maya")?.title).toBe("Maya is away");
});

test("the page names the party who is not there now, also where the other party left first", () => {
  const away = (reason: Reason, user: boolean, advisor: boolean, ms?: number) => {
    const facts = { ...paused(reason), presence: { user, advisor, until: null } };
    return frame(ms === undefined ? facts : { ...facts, elapsed_ms: ms }, { elapsedMs: ms ?? 10_000 });
  };
  const title = (facts: Frame, viewer: "user" | "advisor" | "operator") =>
    explanationOf(facts, viewer, viewer === "user" ? "Maya" : "Alice")?.title;
  expect(title(away("user_away", true, false), "user")).toBe("Maya is away");
  expect(title(away("advisor_away", false, true), "advisor")).toBe("Alice is away");
  expect(title(away("advisor_away", false, true, 0), "advisor")).toBe("Alice is away");
  expect(title(away("user_away", false, true), "user")).toBe("You were away");
  expect(title(away("advisor_away", true, true), "user")).toBe("Maya is away");
  expect(title(away("advisor_away", false, false), "operator")).toBe("The advisor is away");
  expect(title(away("user_away", true, false), "operator")).toBe("The advisor is away");
  expect(phaseOf(away("user_away", true, false), "user")?.text).toBe("Advisor away");
  expect(phaseOf(away("advisor_away", false, true, 0), "advisor")?.text).toBe("User away");
  expect(phaseOf(away("advisor_away", true, false, 0), "user")?.text).toBe("Waiting");
  const facts = away("user_away", true, false);
  if (facts.snapshot) facts.snapshot.timer.abandon_until = "2026-01-05T10:20:00.000Z";
  expect(explanationOf(facts, "user", "Maya")?.text).toMatch(/the conversation ends at \d\d:\d\d/);
});

test("digits that stand say why", () => {
  const lost = frame(RUNS, { state: "reconnecting" });
  expect(explanationOf(lost, "user", "Maya")?.text).toContain("The server keeps the time");
  const stands = { isStanding: true };
  expect(explanationOf({ ...lost, ...stands }, "user", "Maya")?.text).toContain("stand still");
  expect(explanationOf(frame(RUNS, stands), "user", "Maya")?.text).toContain("heard of you or of Maya");
  expect(phaseOf(frame(RUNS, stands), "user")?.text).toBe("Stands still");
});

test.each([
  [
    "paused",
    { ...paused("paused"), record: PAUSED_BY_USER },
    "You paused",
    "Nothing is charged until you continue.",
    "Paused",
  ],
  [
    "waiting",
    { ...paused("advisor_away"), elapsed_ms: 0 },
    "Waiting for Maya",
    "Until then nothing is charged.",
    "Waiting",
  ],
  [
    "out of credit",
    withoutCredit("0.40"),
    "Your credits have run out",
    "nothing is charged meanwhile.",
    "Out of credit",
  ],
  ["moved", MOVED, "The conversation moved to another chat", "go on there.", "Elsewhere"],
  ["not started", NEW, "Not started yet", "when you press Start.", undefined],
  ["away", paused("user_away"), "Connecting again…", "Nothing is charged meanwhile.", "You were away"],
] as const)(
  "without a connection the page says the state that it knows: %s",
  (_, facts, title, text, phase) => {
    const lost = frame(facts, { state: "reconnecting", elapsedMs: facts.elapsed_ms, rechargeMs: 60_000 });
    const why = explanationOf(lost, "user", "Maya");
    expect(why).toMatchObject({ tone: "warn", title });
    expect(why?.text).toContain(text);
    expect(`${why?.title} ${why?.text}`).toContain("Connecting again…");
    expect(why?.text).not.toContain("the timer stops");
    expect(phaseOf(lost, "user")?.text).toBe(phase);
  },
);

test("without a connection a call of the user ends, and a timer that is about to run may run", () => {
  const call = snapshot(0, { timer: PAUSED.timer, record: { state: "requested", starts: "accepted" } });
  const lost = frame(call, { state: "reconnecting" });
  expect(explanationOf(lost, "user", "Maya")).toMatchObject({ title: "Calling Maya…" });
  expect(explanationOf(lost, "user", "Maya")?.text).toContain("If the connection stays away, the call ends.");
  expect(explanationOf(lost, "advisor", "Nora")?.text).not.toContain("the call ends");
  expect(phaseOf(lost, "user")?.text).toBe("Ringing");
  const starting = frame(paused("timer_failed"), { state: "reconnecting" });
  expect(explanationOf(starting, "user", "Maya")?.text).toContain("The server keeps the time.");
});

test("a call that only rings has no time and no cost elsewhere", () => {
  const record = { state: "requested", starts: "accepted" } as const;
  const facts = snapshot(0, { timer: PAUSED.timer, record, chat: { id: "left" } });
  for (const viewer of ["user", "advisor", "operator"] as const)
    expect(explanationOf(frame(facts), viewer, "Maya")?.text).toBe("The call goes on ringing there.");
});

test("what is left is said in few words", () => {
  expect(leftText(frame(RUNS))).toBe("7 min left");
  expect(leftText(frame(RUNS, { freeMs: 171_000 }))).toBe("2:51 free");
  expect(leftText(frame(RUNS, { remainingMs: 42_000 }))).toBe("0:42 left");
  expect(leftText(frame(paused("paused")))).toBe("5.00 left");
  expect(leftText(frame(paused("paused"), { balance: null }))).toBe(""); // an advisor sees no balance
  expect(leftText(frame(paused("paused"), { state: "reconnecting" }))).toBe("");
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

test("an advisor resumes only the advisor's own pause, and the page says who can", () => {
  const by = (paused_by: "user" | "advisor" | "service"): Snapshot => {
    const facts = paused("paused");
    return { ...facts, record: facts.record && { ...facts.record, paused_by } };
  };
  expect(actsOf(by("advisor"), "advisor").resume).toBe(true);
  expect(actsOf(by("user"), "advisor").resume).toBe(false);
  expect(actsOf(by("service"), "advisor").resume).toBe(false);
  expect(actsOf(by("advisor"), "user").resume).toBe(true);
  expect(actsOf(by("user"), "user").resume).toBe(true);
  const text = (who: "user" | "advisor", viewer: "user" | "advisor" | "operator") =>
    explanationOf(frame(by(who)), viewer, "Alice")?.text;
  expect(text("user", "advisor")).toBe("Nothing is charged until Alice continues.");
  expect(text("user", "user")).toBe("Nothing is charged until you continue.");
  expect(text("user", "operator")).toBe("Nothing is charged until the user continues.");
  for (const viewer of ["user", "advisor"] as const)
    expect(text("advisor", viewer)).toBe("Nothing is charged until one of you continues.");
  expect(text("advisor", "operator")).toBe("Nothing is charged meanwhile.");
});

test("an advisor's page says what the record has brought, a user's page does not", () => {
  const earning = frame(RUNS, { earned: "0.49" });
  expect(earnedText(earning, "advisor")).toBe(`You have earned ${money("0.49")}, before refunds`);
  expect(earnedText(earning, "operator")).toContain(money("0.49"));
  expect(earnedText(earning, "user")).toBe("");
  expect(earnedText(frame(RUNS, { earned: "0.00" }), "advisor")).toBe("");
});

test("out of credit says how long the record waits, and offers the user to top up", () => {
  const facts = frame(withoutCredit("0.40"), { rechargeMs: 102_400 });
  expect(explanationOf(facts, "user", "Maya")).toMatchObject({ tone: "warn", topUp: true });
  expect(explanationOf(facts, "user", "Maya")?.text).toContain("1:43");
  expect(explanationOf(facts, "advisor", "Alice")).toMatchObject({
    title: "Alice is out of credit",
    topUp: false,
  });
});

test("out of credit says how much is needed: a smaller top-up would change nothing", () => {
  const text = (balance: string) => explanationOf(frame(withoutCredit(balance)), "user", "Maya")?.text;
  expect(text("0.00")).toContain("Top up 1.00 or more and it goes on by itself.");
  expect(text("0.99")).toContain("Top up 0.01 or more and it goes on by itself.");
});

test("a top-up promises nothing while the advisor is not there", () => {
  const absent = { ...withoutCredit("0.40"), presence: { user: true, advisor: false, until: null } };
  expect(explanationOf(frame(absent), "user", "Maya")?.text).toContain("goes on once Maya is back");
  const here = { ...absent, presence: { user: true, advisor: true, until: null } };
  expect(explanationOf(frame(here), "user", "Maya")?.text).toContain("goes on by itself");
});

test("credit that is there again lets the user continue, and only the user", () => {
  expect(actsOf(withoutCredit("0.99"), "user").resume).toBe(false);
  const again = withoutCredit("1.00");
  expect(actsOf(again, "user").resume).toBe(true);
  expect(actsOf({ ...again, balance: null }, "advisor").resume).toBe(false);
  expect(explanationOf(frame(again), "user", "Maya")).toMatchObject({ title: "There is credit again" });
  expect(explanationOf(frame(again), "user", "Maya")?.topUp).toBeUndefined();
  expect(phaseOf(frame(again), "user")?.text).toBe("Paused");
  const alone = { ...again, presence: { user: true, advisor: false, until: null } };
  const waits = { ...alone, record: alone.record && { ...alone.record, starts: "present" as const } };
  expect(explanationOf(frame(waits), "user", "Maya")?.text).toContain("goes on once Maya is back");
  // Where a record runs at once, it goes on without her.
  expect(explanationOf(frame(alone), "user", "Maya")?.text).toContain("Press Continue, and it goes on.");
});

test("a chat that the record has left links to the current chat", () => {
  expect(explanationOf(frame(MOVED), "user", "Maya")?.link?.page).toBe(
    `/chat/${RUNS.record?.current_chat_id}`,
  );
});

test("a timer that failed to start is announced as starting", () => {
  const facts = frame(paused("timer_failed"));
  expect(explanationOf(facts, "user", "Maya")?.title).toBe("Starting…");
  expect(phaseOf(facts, "user")?.text).toBe("Starting…");
});

test("the page stays calm about a reason of a newer server", () => {
  const facts = frame(paused("advisor_asleep" as Reason));
  expect(explanationOf(facts, "user", "Maya")).toEqual({
    tone: "calm",
    title: "Paused",
    text: "Nothing is charged meanwhile.",
  });
  expect(phaseOf(facts, "user")).toEqual({ phase: "still", text: "Advisor asleep" });
  const ended = snapshot(10_000, {
    ...PAUSED,
    record: { ...PAUSED.record, state: "ended", reason: "advisor_asleep" as Reason },
  });
  expect(explanationOf(frame(ended), "user", "Maya")?.text).toBe("Thank you for talking.");
  expect(explanationOf(frame(ended), "operator", "Maya")?.text).toBe(""); // who only looks on has not talked
});

test("free time and paid time have names of their own", () => {
  expect(phaseOf(frame(RUNS, { freeMs: 1 }), "user")?.text).toBe("Free time");
  expect(phaseOf(frame(RUNS, { freeMs: 0 }), "user")?.text).toBe("Paid time");
  expect(phaseOf(frame(NEW), "user")).toBeNull();
  expect(phaseOf(frame(RUNS, { state: "reconnecting" }), "user")).toEqual({
    phase: "still",
    text: "Connecting…",
  });
});

test("within the grace the page says until when nothing is charged, and what is held meanwhile", () => {
  const tariff = { ...RUNS.tariff, grace_seconds: 30 };
  const facts = { ...RUNS, tariff, allowance_ms: 60_000 };
  const grace = frame(facts, { elapsedMs: 75_000.4, billedMs: 0, cost: "0.00" });
  expect(phaseOf(grace, "user")).toEqual({ phase: "free", text: "Not charged if it ends by 1:30" });
  expect(heldText(grace, "user")).toBe("1.00 held");
  expect(heldText(grace, "advisor")).toBe("");
  const free = frame(facts, { elapsedMs: 10_000, freeMs: 50_000, billedMs: 0, cost: "0.00" });
  const paid = frame(facts, { elapsedMs: 90_001 });
  const used = frame(
    { ...facts, grace_used_at: at(-3_600_000) },
    { elapsedMs: 60_000, billedMs: 0, cost: "0.00" },
  );
  for (const [other, text] of [
    [free, "Free time"],
    [paid, "Paid time"],
    [used, "Paid time"],
  ] as const) {
    expect(phaseOf(other, "user")?.text).toBe(text);
    expect(heldText(other, "user")).toBe("");
  }
});

test("while a call rings the page says what is held for its beginning", () => {
  const call = { timer: PAUSED.timer, record: { state: "requested", starts: "accepted" } } as const;
  const rings = (allowance_ms: number) =>
    frame(snapshot(0, { ...call, allowance_ms }), { elapsedMs: 0, billedMs: 0, cost: "0.00" });
  expect(heldText(rings(0), "user")).toBe("1.00 held");
  expect(heldText(rings(60_000), "user")).toBe("");
  expect(heldText(rings(0), "advisor")).toBe("");
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

test("what ends at the highest cost is not said to be the end of the credit", () => {
  const tariff = { ...RUNS.tariff, max_cost: "3.00", at_max_cost: "stop" as const };
  const facts = { ...RUNS, tariff };
  // By whole minutes, three minutes cost 3.00 and the next millisecond costs more.
  const most = frame(facts, { elapsedMs: 10_000.4, remainingMs: 169_999.6, endsAt: TEN + 180_000 });
  expect(forecast(most, "user", "Maya")).toBe("It ends before it costs more than 3.00, in about 2 min");
  expect(forecast(most, "advisor", "Nora")).toBe("It ends before it costs more than 3.00, in about 2 min");
  expect(warning(most)?.text).toBe("It ends soon, before it costs more than 3.00");
  const credit = frame(facts, { elapsedMs: 10_000, remainingMs: 110_000, endsAt: TEN + 120_000 });
  expect(forecast(credit, "user", "Maya")).toContain("Enough for about 1 min");
  expect(warning(credit)?.text).toBe("Less than 2 minutes of credit left");
  const free = frame(
    { ...RUNS, tariff: { ...tariff, at_max_cost: "free" } },
    { elapsedMs: 10_000, remainingMs: 170_000, endsAt: TEN + 180_000 },
  );
  expect(warning(free)?.text).toBe("Less than 5 minutes of credit left");
});

test("there is no warning while no timer runs", () => {
  expect(warning(frame(paused("paused"), { remainingMs: 1000 }))).toBeNull();
});

test("an advisor is offered to resume only while the user is there", () => {
  const facts = paused("paused");
  const own = (user: boolean): Snapshot => ({
    ...facts,
    record: facts.record && { ...facts.record, paused_by: "advisor" },
    presence: { user, advisor: true, until: null },
  });
  expect(actsOf(own(true), "advisor").resume).toBe(true);
  expect(actsOf(own(false), "advisor").resume).toBe(false);
  expect(actsOf(own(false), "user").resume).toBe(true);
});

test("digits that stand promise nothing about the credit", () => {
  expect(forecast(frame(RUNS, { isStanding: true }), "user", "Maya")).toBe("");
});

test.each([
  ["user", "user", "You ended the conversation"],
  ["user", "advisor", "Maya ended the conversation"],
  ["advisor", "advisor", "You ended the conversation"],
  ["user", "operator", "The operator ended the conversation"],
  ["operator", "operator", "The operator ended the conversation"],
  ["operator", "user", "The user ended the conversation"],
  ["user", "service", "The conversation has ended"],
  ["user", null, "The conversation has ended"],
] as const)("to the %s, a conversation that the %s has ended: %s", (viewer, ended_by, title) => {
  const ended = snapshot(10_000, {
    timer: PAUSED.timer,
    record: { ...PAUSED.record, state: "ended", reason: "stopped", ended_by },
  });
  expect(explanationOf(frame(ended), viewer, "Maya")?.title).toBe(title);
});

test("a pause says when it ends the conversation, as the service says it", () => {
  const facts = paused("paused");
  const until = { ...facts, timer: { ...facts.timer, abandon_until: at(600_000) } };
  expect(explanationOf(frame(until), "user", "Maya")?.text).toMatch(/the conversation ends at \d/);
  expect(explanationOf(frame(facts), "user", "Maya")?.text).not.toContain("ends at");
});

test.each([
  ["user", "stopped", "user", "You cancelled the call", "Nothing was charged."],
  ["advisor", "stopped", "user", "Maya cancelled the call", "Nothing was charged."],
  ["advisor", "declined", "advisor", "You declined the call", "Nothing was charged."],
  ["user", "declined", "advisor", "The conversation has ended", "The advisor declined. Nothing was charged."],
  ["user", "missed", null, "The conversation has ended", "The advisor did not answer. Nothing was charged."],
  ["advisor", "missed", null, "The conversation has ended", "You did not answer. Nothing was charged."],
  [
    "operator",
    "missed",
    null,
    "The conversation has ended",
    "The advisor did not answer. Nothing was charged.",
  ],
  ["user", "user_away", null, "The conversation has ended", "You were away. Nothing was charged."],
  ["advisor", "user_away", null, "The conversation has ended", "The user was away. Nothing was charged."],
] as const)("to the %s, a call that was %s by the %s", (viewer, code, ended_by, title, text) => {
  const call = snapshot(0, {
    timer: PAUSED.timer,
    record: { ...PAUSED.record, state: "ended", reason: code, ended_by, starts: "accepted" },
  });
  expect(explanationOf(frame(call), viewer, "Maya")).toMatchObject({ title, text });
});

test.each([
  ["user", "abandoned", "Maya did not come in time. Nothing was charged."],
  ["advisor", "abandoned", "You did not come in time. Nothing was charged."],
  ["operator", "abandoned", "The advisor did not come in time. Nothing was charged."],
  ["user", "stopped", "Nothing was charged."],
] as const)("to the %s, a record that waited for its advisor and was %s", (viewer, code, text) => {
  const record = { ...PAUSED.record, state: "ended", reason: code, starts: "present" } as const;
  const waited = snapshot(0, { timer: PAUSED.timer, record });
  expect(explanationOf(frame(waited), viewer, "Maya")?.text).toBe(text);
  const ran = { ...waited, elapsed_ms: 10_000 };
  expect(explanationOf(frame(ran), viewer, "Maya")?.text).not.toContain("Nothing was charged");
});

test("a wait for the advisor says when it ends the conversation", () => {
  const waits = { ...paused("advisor_away"), elapsed_ms: 0 };
  const until = { ...waits, timer: { ...waits.timer, abandon_until: at(600_000) } };
  expect(explanationOf(frame(until), "user", "Maya")?.text).toMatch(
    /If Maya does not come, the conversation ends at \d/,
  );
  expect(explanationOf(frame(waits), "user", "Maya")?.text).not.toContain("ends at");
});
