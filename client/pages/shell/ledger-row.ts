/** One entry of the ledger in a list for operators: what, how much, when, and who asked for it. */

import { entryWords } from "../texts/entries.ts";
import { cause, dayAndTime, money } from "../texts/words.ts";
import { make } from "./dom.ts";
import { type Documents, path, root } from "./service.ts";

/** A row that links to the receipt, or to the user where there is no record. `withUser` shows whose entry it is. */
export function ledgerRow(entry: Documents["LedgerEntry"], { withUser = false } = {}): HTMLElement {
  const { user_id, record_id, by_role, by_subject } = entry;
  const words = entryWords({ ...entry, amount: entry.user_amount }, entry.advisor_name);
  const by = by_role === null ? "" : ` · ${cause(by_role)} ${by_subject}`;
  const page = record_id === null ? path`/operator/users/${user_id}` : path`/receipts/${record_id}`;
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + page },
      make("strong", { dir: "auto" }, words),
      make("span", { class: "number" }, money(entry.user_amount)),
      make("span", { class: "quiet whole" }, dayAndTime(entry.at) + by),
      make("span", { class: "quiet", dir: "auto" }, withUser ? entry.user_name : ""),
    ),
  );
}
