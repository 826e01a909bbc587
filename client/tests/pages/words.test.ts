import "./dictionary.ts";
import { expect, test, vi } from "vitest";
import {
  exactDigits,
  minutes,
  money,
  nameInSentence,
  price,
  reason,
  reasonWithCause,
} from "../../pages/texts/words.ts";
import type { Reason } from "../../src/core/types.ts";

const MINUTE = { from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 60 };

test.each([
  ["8.75", "8.75"],
  ["8.750000", "8.75"],
  ["8", "8.00"],
  ["0.0125", "0.0125"],
  ["-5.5", "−5.50"],
])("money %s is %s", (amount, words) => {
  expect(money(amount)).toBe(words);
});

test.each([
  ["8.75", "EUR", "€8.75"],
  ["8.750000", "USD", "$8.75"],
  ["-5.5", "EUR", "−€5.50"],
  ["100", "JPY", "¥100"],
  ["0.0125", "GBP", "£0.0125"],
  ["12345678901234.123456", "EUR", "€12,345,678,901,234.123456"],
])("money %s in %s is %s", (amount, currency, words) => {
  expect(money(amount, currency)).toBe(words);
});

test.each([
  ["de", "0.2", "", "0,20"],
  ["de", "-1234.5", "", "−1234,50"],
  ["es", "0.0125", "", "0,0125"],
  ["de", "1234.5", "EUR", "1.234,50\u00a0€"],
  ["es", "-5.5", "EUR", "−5,50\u00a0€"],
])("in %s, %s in the currency “%s” is %s", (lang, amount, currency, words) => {
  vi.stubGlobal("document", { documentElement: { lang, dataset: {} } });
  expect(money(amount, currency)).toBe(words);
  expect(exactDigits(63_417)).toBe("1:03,417");
  vi.unstubAllGlobals();
});

test.each([
  [0, "0:00"],
  [63_000, "1:03"],
  [63_417, "1:03.417"],
  [3_600_007, "1:00:00.007"],
])("%i ms with all its milliseconds is %s", (ms, words) => {
  expect(exactDigits(ms)).toBe(words);
});

test("a name that runs from right to left is isolated in a sentence", () => {
  expect(nameInSentence("Maya")).toBe("Maya");
  expect(nameInSentence("שרה")).toBe("\u2068שרה\u2069");
});

test.each([
  [0, "0 min"],
  [59_999, "less than a minute"],
  [60_000, "1 min"],
  [7 * 60_000 + 59_999, "7 min"],
  [60 * 60_000, "1 h"],
  [65 * 60_000, "1 h 5 min"],
  [72 * 60 * 60_000, "3 days"],
])("%i ms is %s", (ms, words) => {
  expect(minutes(ms)).toBe(words);
});

test.each([
  [{ tiers: [MINUTE], free_seconds: 180 }, "First 3 minutes free, then 1.00 a minute, by whole minutes"],
  [
    { tiers: [{ ...MINUTE, rate: "0.6", increment_seconds: 1 }], connect_fee: "0.2" },
    "0.20 to connect, then 0.60 a minute, by the second",
  ],
  [
    { tiers: [MINUTE], free_seconds: 164 },
    "First 2 minutes 44 seconds free, then 1.00 a minute, by whole minutes",
  ],
  [{ tiers: [{ from_seconds: 0, rate: "0.05", per_seconds: 1 }] }, "0.05 a second, by the second"],
  [
    {
      tiers: [
        { ...MINUTE, rate: "0.20" },
        { ...MINUTE, from_seconds: 60, rate: "0.10", increment_seconds: 6 },
      ],
    },
    "0.20 a minute for 1 minute, by whole minutes, then 0.10 a minute, in steps of 6 seconds",
  ],
  [
    { tiers: [MINUTE], free_seconds: 60, minimum_charge: "0.5", max_cost: "20" },
    "First minute free, then 1.00 a minute, by whole minutes, at least 0.50, never more than 20.00",
  ],
  [
    { tiers: [MINUTE], max_cost: "20", at_max_cost: "stop" as const },
    "1.00 a minute, by whole minutes, ends before it costs more than 20.00",
  ],
  [
    { tiers: [{ ...MINUTE, per_seconds: 90, increment_seconds: 90 }] },
    "1.00 per 90 seconds, in steps of 90 seconds",
  ],
  [
    { tiers: [{ ...MINUTE, rate: "0" }], grace_seconds: 10 },
    "Nothing, by whole minutes, nothing up to 10 seconds",
  ],
])("a price reads well", (tariff, words) => {
  expect(price(tariff)).toBe(words);
});

test("a reason is in words, and no reason is empty", () => {
  expect(reason("out_of_credit")).toBe("out of credit");
  expect(reason(null)).toBe("");
});

test("the reason of a newer server is read from its code", () => {
  expect(reason("advisor_asleep" as Reason)).toBe("advisor asleep");
  expect(reasonWithCause("advisor_asleep" as Reason, "advisor")).toBe("advisor asleep");
  expect(reason("constructor" as Reason)).toBe("constructor");
});

test.each([
  ["paused", "advisor", "paused (by the advisor)"],
  ["paused", null, "paused"],
  ["stopped", "advisor", "stopped (by the advisor)"],
  ["out_of_credit", "user", "out of credit"],
  ["user_away", "user", "user away"],
  ["timer_failed", "service", "the timer was starting"],
] as const)("time not billed for %s, through %s", (code, party, words) => {
  expect(reasonWithCause(code, party)).toBe(words);
});
