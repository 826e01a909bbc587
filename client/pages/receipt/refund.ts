/** Giving back what a record has cost, from its receipt: for an operator, with a reason. */

import type { Credits, Receipt } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { find, say } from "../shell/dom.ts";
import { act } from "../shell/frame.ts";
import { ask, path } from "../shell/service.ts";
import { money } from "../texts/words.ts";

interface Refund {
  amount: Credits;
  refundable: Credits;
}

let key = randomId();

/** Let the form work on this record; `done` runs after each refund. */
export function offerRefund(recordId: string, done: () => Promise<void>): void {
  const form = find<HTMLFormElement>("refund");
  // What is sent twice without a change is one refund, and what is changed is another.
  form.addEventListener("input", () => {
    key = randomId();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void act(find<HTMLButtonElement>("give-back"), async () => {
      const given = await ask<Refund>("POST", path`/records/${recordId}/refunds`, wish(form), key);
      key = randomId();
      form.reset();
      await done();
      say(
        find("given-back"),
        `${money(given.amount)} given back. Of the rest, ${money(given.refundable)} could be.`,
      );
    });
  });
  find("refund-section").hidden = false;
}

/** What can still be given back. */
export function showRefundable({ totals }: Receipt): void {
  say(find("refundable"), `${money(totals.paid)} can be given back.`);
}

function wish(form: HTMLFormElement): object {
  const filled = new FormData(form);
  const text = (name: string): string => String(filled.get(name) ?? "").trim();
  return { [text("by")]: text("size"), reason: text("reason"), borne_by: text("borne_by") };
}
