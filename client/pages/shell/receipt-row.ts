/** One record in a list of receipts. */

import { micros } from "../../src/core/price.ts";
import { say } from "../texts/language.ts";
import { money } from "../texts/words.ts";
import { make } from "./dom.ts";
import { path, type RecordSummary, root } from "./service.ts";

/** A row that links to the receipt: when, for how long, with whom, what it cost. */
export function receiptRow(record: RecordSummary, title: string, subtitle: string): HTMLElement {
  const { id, cost, refunded, state } = record;
  const isRefunded = micros(refunded) > 0n;
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + path`/receipts/${id}` },
      make("strong", { dir: "auto" }, title),
      make("span", { class: "number" }, money(cost)),
      make("span", { class: "quiet whole" }, subtitle),
      state === "ended"
        ? make(
            "span",
            { class: "quiet" },
            isRefunded ? say("refundedAmount", { amount: money(refunded) }) : "",
          )
        : make("span", { class: `badge ${state}` }, say(state)),
    ),
  );
}
