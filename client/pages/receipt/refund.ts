/** The form with which an operator refunds a record. */

import type { Receipt } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { find, setText } from "../shell/dom.ts";
import { perform } from "../shell/frame.ts";
import { type Documents, path, request } from "../shell/service.ts";
import { money } from "../texts/words.ts";

let key = randomId();

/** Shows the form for this record; `done` is called after each refund. */
export function offerRefund(recordId: string, done: () => Promise<void>): void {
  const form = find<HTMLFormElement>("refund");
  // A form that is sent twice without a change is one refund; after a change it is another refund.
  form.addEventListener("input", () => {
    key = randomId();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void perform(find<HTMLButtonElement>("give-back"), async () => {
      const refund = await request<Documents["Refund"]>(
        "POST",
        path`/records/${recordId}/refunds`,
        refundRequest(form),
        key,
      );
      key = randomId();
      form.reset();
      await done();
      setText(
        find("given-back"),
        `${money(refund.amount)} given back. Of the rest, ${money(refund.refundable)} could be.`,
      );
    });
  });
  find("refund-section").hidden = false;
}

/** Shows how much can still be refunded. */
export function showRefundable({ totals }: Receipt): void {
  setText(find("refundable"), `${money(totals.paid)} can be given back.`);
}

function refundRequest(form: HTMLFormElement): object {
  const filled = new FormData(form);
  const text = (name: string): string => String(filled.get(name) ?? "").trim();
  return { [text("by")]: text("size"), reason: text("reason"), borne_by: text("borne_by") };
}
