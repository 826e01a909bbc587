/** The form with which an operator refunds a record. */

import type { Receipt } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { ask } from "../../src/talk/ask.ts";
import { find, setText } from "../shell/dom.ts";
import { perform } from "../shell/frame.ts";
import { type Documents, path, request } from "../shell/service.ts";
import { say, talkWords } from "../texts/language.ts";
import { durationText, money, typedNumber } from "../texts/words.ts";

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
      if (!(await isMeant(form))) return;
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
        say("givenBack", { amount: money(refund.amount), refundable: money(refund.refundable) }),
      );
    });
  });
  find("refund-section").hidden = false;
}

/** Shows how much can still be refunded. */
export function showRefundable({ totals }: Receipt): void {
  setText(find("refundable"), say("canBeGivenBack", { amount: money(totals.paid) }));
}

/** Asks once more, with what is given back and why. */
function isMeant(form: HTMLFormElement): Promise<boolean> {
  const filled = new FormData(form);
  const size = typedNumber(String(filled.get("size")));
  const amount = filled.get("by") === "seconds" ? durationText(Number(size)) : money(size);
  return ask({
    title: say("askRefund", { amount }),
    text: say("refundWhy", { why: String(filled.get("reason")).trim() }),
    yes: say("giveBack"),
    no: talkWords().notNow,
    isDanger: true,
  });
}

function refundRequest(form: HTMLFormElement): object {
  const filled = new FormData(form);
  const text = (name: string): string => String(filled.get(name) ?? "").trim();
  return { [text("by")]: typedNumber(text("size")), reason: text("reason"), borne_by: text("borne_by") };
}
