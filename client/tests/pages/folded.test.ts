import { expect, test } from "vitest";
import { foldCharges } from "../../pages/account/folded.ts";
import type { Entry } from "../../src/core/types.ts";

function entry(
  id: string,
  kind: Entry["kind"],
  record_id: string | null,
  amount: string,
  gift = "0.00",
): Entry {
  return { id, kind, record_id, amount, gift } as Entry;
}

test("the charges of a conversation are one row, in the place of the newest, and everything else stays", () => {
  const rows = foldCharges([
    entry("7", "refund", "a", "0.50"),
    entry("6", "charge", "a", "-2.00"),
    entry("5", "charge", "b", "-1.00"),
    entry("4", "purchase", null, "5.00"),
    entry("3", "charge", "a", "-2.50", "-2.50"),
    entry("2", "debit", null, "-0.10"),
    entry("1", "debit", null, "-0.20"),
    entry("0", "charge", "a", "-0.000001", "-0.000001"),
  ]);
  expect(rows.map(({ id, amount, gift }) => [id, amount, gift])).toEqual([
    ["7", "0.50", "0.00"],
    ["6", "-4.500001", "-2.500001"],
    ["5", "-1.00", "0.00"],
    ["4", "5.00", "0.00"],
    ["2", "-0.10", "0.00"],
    ["1", "-0.20", "0.00"],
  ]);
});
