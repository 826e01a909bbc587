/** The entries of a month as their user reads them: one payment for each conversation. */

import { credits, micros } from "../../src/core/price.ts";
import type { Entry } from "../../src/core/types.ts";

/**
 * The entries, the newest first, with all charges of one record in the place of its newest. A charge for each pause is
 * how the ledger works, and no payment of its own.
 */
export function foldCharges(entries: readonly Entry[]): Entry[] {
  const rows: Entry[] = [];
  const places = new Map<string, number>();
  for (const entry of entries) {
    const { kind, record_id } = entry;
    const place = kind === "charge" && record_id !== null ? places.get(record_id) : undefined;
    const row = place === undefined ? undefined : rows[place];
    if (place !== undefined && row) rows[place] = sum(row, entry);
    else {
      if (kind === "charge" && record_id !== null) places.set(record_id, rows.length);
      rows.push(entry);
    }
  }
  return rows;
}

function sum(row: Entry, { amount, gift }: Entry): Entry {
  const add = (one: string, other: string): string => credits(micros(one) + micros(other));
  return { ...row, amount: add(row.amount, amount), gift: add(row.gift, gift) };
}
