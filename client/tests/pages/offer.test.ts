import "./dictionary.ts";
import { expect, test } from "vitest";
import { tariffOf, tariffOfOffer, tariffOfReceipt } from "../../pages/texts/offer.ts";
import { price } from "../../pages/texts/words.ts";
import type { Offer, Receipt, Snapshot, Tariff } from "../../src/core/types.ts";
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

test("a record names the free time and the grace that it has", () => {
  const whole = facts({ allowance_ms: 60_000, grace_used_at: null });
  expect(price(tariffOf(whole))).toMatch(/^First minute free, .*, nothing up to 20 seconds$/);
  const used = facts({ allowance_ms: 16_357, grace_used_at: "2026-01-05T09:00:00.000Z" });
  expect(price(tariffOf(used))).toMatch(/^First 16 seconds free, then 1.00 a minute, by whole minutes$/);
  const receipt = { tariff: TARIFF, free_ms_before: 60_000, grace_used_at: "2026-01-05T09:00:00.000Z" };
  expect(price(tariffOfReceipt(receipt as Receipt))).toBe("1.00 a minute, by whole minutes");
});

test("a record that has not begun has the free time and the grace that the offer names", () => {
  const offer = { tariff: TARIFF, free_remaining_ms: 357, grace_used_at: null } as Offer;
  expect(tariffOfOffer(offer)).toMatchObject({ free_seconds: 0, grace_seconds: 20 });
  const used = { ...offer, grace_used_at: "2026-01-05T09:00:00.000Z" };
  expect(tariffOfOffer(used)).toMatchObject({ free_seconds: 0, grace_seconds: 0 });
});
