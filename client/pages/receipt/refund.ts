/** The form with which an operator refunds a record. */

import { credits, micros } from "../../src/core/price.ts";
import type { Receipt } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { ask } from "../../src/talk/ask.ts";
import { find, setText } from "../shell/dom.ts";
import { perform } from "../shell/frame.ts";
import { type Documents, effectOnConversations, path, request } from "../shell/service.ts";
import { say, talkWords } from "../texts/language.ts";
import { bearerText, durationText, money, typedNumber } from "../texts/words.ts";

type Refund = Documents["Refund"];

let key = randomId();

/** Shows the form for this record; `done` is called after each refund. */
export function offerRefund(
  recordId: string,
  isOver: () => boolean,
  userOf: () => string,
  done: () => Promise<void>,
): void {
  const form = find<HTMLFormElement>("refund");
  const refunds = path`/records/${recordId}/refunds`;
  // A form that is sent twice without a change is one refund; after a change it is another refund.
  form.addEventListener("input", () => {
    key = randomId();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void perform(find<HTMLButtonElement>("give-back"), async () => {
      const body = refundRequest(form);
      // The service knows the price of the last seconds, and refuses before the operator is asked.
      const ask = () => request<Refund>("POST", refunds, { ...body, dry_run: true }, randomId());
      let refundNow = await ask();
      for (;;) {
        if (!(await isMeant(refundNow, await effectOnConversations(userOf(), true)))) return;
        if (!isOver()) break;
        // Somebody else may have given back the last seconds meanwhile: the operator is asked for the next ones.
        const { amount } = refundNow;
        refundNow = await ask();
        if (refundNow.amount === amount) break;
      }
      // The price of the last seconds of a running record changes while the operator reads the question.
      const agreed = isOver() ? body : { ...body, seconds: undefined, amount: refundNow.amount };
      // What is refused shows what has been given back meanwhile.
      const refund = await request<Refund>("POST", refunds, agreed, key).catch(async (error: unknown) => {
        await done();
        throw error;
      });
      key = randomId();
      form.reset();
      await done();
      setText(find("given-back"), say("givenBack", { amount: money(refund.amount) }));
    });
  });
  find("refund-section").hidden = false;
}

/** Shows how much can still be refunded. Of a running record, also what is not posted yet. */
export function showRefundable({ totals, unposted }: Receipt): void {
  const refundable = credits(micros(totals.paid) + micros(unposted));
  setText(find("refundable"), say("canBeGivenBack", { amount: money(refundable) }));
}

/** Asks once more, with the amount, the time if the refund is by time, why, who bears it, and what goes on with it. */
function isMeant({ amount, seconds, reason, advisor_amount }: Refund, goesOn: string): Promise<boolean> {
  const values = { amount: money(amount), duration: durationText(seconds ?? 0) };
  return ask({
    title: say(seconds === null ? "askRefund" : "askRefundOfTime", values),
    text: [say("refundWhy", { why: reason }), bearerText(advisor_amount), goesOn].filter(Boolean).join(" · "),
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
