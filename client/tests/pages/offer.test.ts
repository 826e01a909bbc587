import "./dictionary.ts";
import { expect, test } from "vitest";
import { nextTariff, tariffOf, tariffOfReceipt } from "../../pages/texts/offer.ts";
import { price } from "../../pages/texts/words.ts";
import type { Receipt, Snapshot, Tariff } from "../../src/core/types.ts";
import { PAUSED, snapshot } from "../facts.ts";

const TARIFF = {
  ...snapshot(0).tariff,
  free_seconds: 60,
  grace_seconds: 20,
  tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 60 }],
} as Tariff;

function facts(over: Partial<Snapshot>): Snapshot {
  return { ...snapshot(0, { timer: PAUSED.timer }), ...over, tariff: TARIFF as Snapshot["tariff"] };
}

const ENDED = { ...snapshot(0).record, state: "ended", started_at: "2026-01-05T10:00:00.000Z" };

test("a record names the free time and the grace that it has", () => {
  const whole = facts({ allowance_ms: 60_000, grace_used_at: null });
  expect(price(tariffOf(whole))).toMatch(/^First minute free, .*, nothing up to 20 seconds$/);
  const used = facts({ allowance_ms: 16_357, grace_used_at: "2026-01-05T09:00:00.000Z" });
  expect(price(tariffOf(used))).toMatch(/^First 17 seconds free, then 1.00 a minute, by whole minutes$/);
  const receipt = { tariff: TARIFF, free_ms_before: 60_000, grace_used_at: "2026-01-05T09:00:00.000Z" };
  expect(price(tariffOfReceipt(receipt as Receipt))).toBe("1.00 a minute, by whole minutes");
});

test("the next record has no grace for 24 hours after the start of a record that the grace made free", () => {
  const ended = (over: Partial<Snapshot>): Tariff =>
    nextTariff(
      TARIFF,
      facts({
        record: ENDED as Snapshot["record"],
        allowance_ms: 0,
        free_remaining_ms: 0,
        grace_used_at: null,
        server_time: "2026-01-05T10:01:00.000Z",
        ...over,
      }),
    );
  expect(ended({ elapsed_ms: 10_000 }).grace_seconds).toBe(0);
  expect(ended({ elapsed_ms: 10_000, server_time: "2026-01-06T10:00:00.000Z" }).grace_seconds).toBe(20);
  expect(ended({ elapsed_ms: 30_000 }).grace_seconds).toBe(20); // paid, so the grace was not used
  expect(ended({ elapsed_ms: 0 }).grace_seconds).toBe(20);
  expect(ended({ elapsed_ms: 30_000, grace_used_at: "2026-01-05T09:00:00.000Z" }).grace_seconds).toBe(0);
  expect(ended({ elapsed_ms: 10_000, free_remaining_ms: 357 }).free_seconds).toBe(1);
});
