/** The entries of a record as payments: a charge for each pause is how the ledger works, and no payment of its own. */

import { credits, micros } from "../../src/core/price.ts";
import type { Entry } from "../../src/core/types.ts";
import { day } from "../texts/words.ts";

type Payment = Pick<Entry, "id" | "kind" | "at" | "amount" | "reason">;

/** Charges of one day that no refund divides are one payment, of the instant of the last of them. */
export function paymentsOf(entries: readonly Payment[]): Payment[] {
  const payments: Payment[] = [];
  for (const entry of entries) {
    const last = payments.at(-1);
    if (last?.kind === "charge" && entry.kind === "charge" && day(last.at) === day(entry.at))
      payments[payments.length - 1] = {
        ...entry,
        amount: credits(micros(last.amount) + micros(entry.amount)),
      };
    else payments.push(entry);
  }
  return payments;
}
