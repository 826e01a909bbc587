import { expect, test } from "vitest";
import { micros } from "../../src/core/price.ts";
import type { Tariff } from "../../src/core/types.ts";
import { lastingMs } from "../../src/talk/lasting.ts";

const by = (increment_seconds: number, changes: Partial<Tariff> = {}): Tariff => ({
  tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds }],
  ...changes,
});

test.each([
  ["0.02", by(1), 1000],
  ["0.02", by(1, { boundary: "begun" }), 999],
  ["0.02", by(60), 0],
  ["1.00", by(60), 60_000],
  ["1.99", by(60), 60_000],
  ["1.98", by(1), 118_000],
  ["2.00", by(60), null],
  ["0.50", by(1, { connect_fee: "0.40" }), 6000],
  ["0.50", by(1, { grace_seconds: 600 }), 30_000],
  ["1.00", by(1, { max_cost: "1.00" }), null],
])("a credit of %s lasts %s for %s ms", (credit, tariff, ms) => {
  expect(lastingMs(tariff, micros(credit))).toBe(ms);
});
