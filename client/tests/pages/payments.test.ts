import "./dictionary.ts";
import { expect, test } from "vitest";
import { paymentsOf } from "../../pages/receipt/payments.ts";

const charge = (at: string, amount: string) =>
  ({ id: "1", kind: "charge", at, amount, reason: null }) as const;
const refund = (at: string, amount: string) =>
  ({ id: "1", kind: "refund", at, amount, reason: "sorry" }) as const;

/** Noon of a day of the reader, whatever the time zone is. */
const noon = (day: number, minute: number) => new Date(2026, 9, day, 12, minute).toISOString();

test("the charges of a day are one payment, of the instant of the last", () => {
  const payments = paymentsOf([charge(noon(5, 0), "-1.00"), charge(noon(5, 7), "-0.50")]);
  expect(payments).toEqual([charge(noon(5, 7), "-1.50")]);
});

test("each day of a long conversation has a payment of its own", () => {
  const two = [charge(noon(5, 0), "-3.50"), charge(noon(6, 0), "-4.00")];
  expect(paymentsOf(two)).toEqual(two);
});

test("a refund stands between what was paid before and after", () => {
  const entries = [
    charge(noon(5, 0), "-1.00"),
    charge(noon(5, 1), "-1.00"),
    refund(noon(5, 2), "1.00"),
    charge(noon(5, 9), "-4.00"),
  ];
  expect(paymentsOf(entries).map(({ kind, amount }) => [kind, amount])).toEqual([
    ["charge", "-2.00"],
    ["refund", "1.00"],
    ["charge", "-4.00"],
  ]);
});
