import { expect, test } from "vitest";
import { measure } from "../../src/core/meter.ts";
import { at, PAUSED, snapshot, TEN } from "../facts.ts";

test("while the timer runs, the whole increment in progress is held", () => {
  const facts = snapshot(10_000);
  expect(measure(facts, TEN + 10_000)).toMatchObject({ elapsedMs: 10_000, cost: "1.00", balance: "4.00" });
  const lease = TEN + 600_000;
  expect(measure(facts, TEN + 59_999, lease)).toMatchObject({ cost: "1.00", balance: "4.00" });
  // At exactly one minute, one minute is paid and the second minute has begun.
  expect(measure(facts, TEN + 60_000, lease)).toMatchObject({
    cost: "1.00",
    billedMs: 60_000,
    balance: "3.00",
  });
  expect(measure(facts, TEN + 60_001, lease)).toMatchObject({
    cost: "2.00",
    billedMs: 120_000,
    balance: "3.00",
  });
});

test("free time is used first, to the millisecond", () => {
  const facts = snapshot(5000, {
    allowance_ms: 8000,
    free_remaining_ms: 3000,
    cost: "0.00",
    balance: "5.00",
  });
  expect(measure(facts, TEN + 7999)).toMatchObject({ freeMs: 1, cost: "0.00", balance: "5.00" });
  expect(measure(facts, TEN + 8000)).toMatchObject({ freeMs: 0, cost: "0.00", balance: "4.00" });
  expect(measure(facts, TEN + 8001)).toMatchObject({ freeMs: 0, cost: "1.00", balance: "4.00" });
});

test("grace lowers the cost, but not the credit that is held", () => {
  const facts = snapshot(1000, {
    cost: "0.00",
    balance: "4.00",
    tariff: { ...snapshot(0).tariff, grace_seconds: 5 },
  });
  expect(measure(facts, TEN + 5000)).toMatchObject({ cost: "0.00", balance: "4.00" });
  expect(measure(facts, TEN + 5001)).toMatchObject({ cost: "1.00", balance: "4.00" });
});

test("the time never passes the cut, and the balance there is what the charge leaves", () => {
  const facts = snapshot(70_000, { cost: "2.00", balance: "0.00", timer: { cut_at: at(120_000) } });
  const lease = TEN + 600_000;
  expect(measure(facts, TEN + 119_000, lease)).toMatchObject({ remainingMs: 1000, nextMs: 1000 });
  const end = { elapsedMs: 120_000, cost: "2.00", balance: "0.00", remainingMs: 0, nextMs: null };
  expect(measure(facts, TEN + 120_000, lease)).toMatchObject(end);
  expect(measure(facts, TEN + 999_000, lease)).toMatchObject(end);
});

test("the time never passes the end of the lease, until the lease is renewed", () => {
  const facts = snapshot(50_000);
  expect(measure(facts, TEN + 100_000)).toMatchObject({ elapsedMs: 80_000, cost: "2.00" });
  expect(measure(facts, TEN + 100_000, TEN + 90_000).elapsedMs).toBe(90_000);
});

test("a lease that ends between two increments holds nothing for the next one", () => {
  const facts = snapshot(50_000, { timer: { lease_until: at(60_000) } });
  expect(measure(facts, TEN + 61_000)).toMatchObject({ elapsedMs: 60_000, cost: "1.00", balance: "4.00" });
});

test("a clock that is behind the facts shows the start of the segment", () => {
  const facts = snapshot(61_000, { timer: { since: at(60_900) } });
  expect(measure(facts, TEN + 60_950).elapsedMs).toBe(60_950);
  expect(measure(facts, TEN + 60_000).elapsedMs).toBe(60_900);
});

test("time and cost are the record's, and the chat's own time is told as well", () => {
  const facts = snapshot(30_000, { elapsed_ms: 90_000, chat: { duration_ms: 12_400 }, balance: "3.00" });
  const shown = measure(facts, TEN + 40_000);
  expect(shown).toMatchObject({ elapsedMs: 100_000, chatElapsedMs: 22_400, cost: "2.00", balance: "3.00" });
  expect(shown.nextMs).toBe(600);
});

test("the numbers of a stopped timer do not depend on the instant", () => {
  const facts = snapshot(61_250, { ...PAUSED, cost: "2.00", balance: "8.00", billed_ms: 120_000 });
  expect(measure(facts, TEN + 999_000)).toMatchObject({
    elapsedMs: 61_250,
    cost: "2.00",
    balance: "8.00",
    rechargeMs: null,
    nextMs: null,
  });
});

test("the recharge window counts down and ends", () => {
  const facts = snapshot(60_000, {
    record: { state: "paused", reason: "out_of_credit" },
    timer: { running: false, recharge_until: at(180_000) },
  });
  expect(measure(facts, TEN + 100_400)).toMatchObject({ rechargeMs: 79_600, nextMs: 600 });
  expect(measure(facts, TEN + 500_000)).toMatchObject({ rechargeMs: 0, nextMs: null });
});

test("another conversation of the user spends the same credit, up to its cut", () => {
  const { tariff } = snapshot(0);
  const other = { tariff, elapsed_ms: 30_000, allowance_ms: 0, cut_at: at(100_000) };
  const facts = snapshot(10_000, { also_running: [other] });
  const lease = TEN + 600_000;
  expect(measure(facts, TEN + 39_999, lease)).toMatchObject({ balance: "4.00" });
  expect(measure(facts, TEN + 40_000, lease)).toMatchObject({ balance: "3.00", cost: "1.00" });
  // At its cut the other timer stops, and owes what it has used: two minutes.
  expect(measure(facts, TEN + 100_000, lease)).toMatchObject({ balance: "2.00", cost: "2.00" });
  expect(measure(facts, TEN + 119_999, lease)).toMatchObject({ balance: "2.00" });
});

test("where this timer stands, the credit goes on with the other conversation", () => {
  const { tariff } = snapshot(0);
  const other = { tariff, elapsed_ms: 30_250, allowance_ms: 0, cut_at: null };
  const facts = snapshot(10_000, { ...PAUSED, also_running: [other] });
  expect(measure(facts, TEN + 10_000)).toMatchObject({ balance: "4.00", nextMs: 750 });
  expect(measure(facts, TEN + 40_000)).toMatchObject({ balance: "3.00", elapsedMs: 10_000 });
});

test("the credit of a service of an earlier release, which names no other conversations", () => {
  const { also_running: _, ...facts } = snapshot(10_000);
  expect(measure(facts, TEN + 10_000)).toMatchObject({ balance: "4.00" });
});

test("a screen that hears nothing more does not count another conversation on", () => {
  const { tariff } = snapshot(0);
  const other = { tariff, elapsed_ms: 30_000, allowance_ms: 0, cut_at: at(100_000) };
  const facts = snapshot(10_000, { ...PAUSED, also_running: [other] });
  const lost = TEN + 20_000;
  expect(measure(facts, TEN + 90_000, null, lost)).toMatchObject({ balance: "4.00", nextMs: null });
  // After the cut nothing changes any more, so nothing is painted.
  expect(measure(facts, TEN + 100_000)).toMatchObject({ balance: "3.00", nextMs: null });
});
