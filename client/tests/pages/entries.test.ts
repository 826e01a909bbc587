import "./dictionary.ts";
import { expect, test } from "vitest";
import { entryWords } from "../../pages/texts/entries.ts";
import { dayAndTime } from "../../pages/texts/words.ts";
import type { Entry } from "../../src/core/types.ts";

test("a gift that ends as a day begins is not said to last for that day", () => {
  const expires_at = new Date(2026, 11, 1).toISOString();
  const gift = { kind: "gift", amount: "3.00", reference: null, reason: null, expires_at } as Entry;
  expect(entryWords(gift, null)).toBe(`Gift, until ${dayAndTime(expires_at)}`);
});
