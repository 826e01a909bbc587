/** What an operator may do with a user's credit. Each act asks for a reason, names its amount again, and is done once. */

import { credits, micros } from "../../src/core/price.ts";
import { randomId } from "../../src/request.ts";
import { ask } from "../../src/talk/ask.ts";
import { find, make, setText } from "../shell/dom.ts";
import { perform } from "../shell/frame.ts";
import {
  type Account,
  type Documents,
  effectOnConversations,
  path,
  type RecordSummary,
  request,
} from "../shell/service.ts";
import { say, talkWords } from "../texts/language.ts";
import { bearerText, day, money, nameInSentence, timeOfDay, typedNumber } from "../texts/words.ts";

interface Person {
  id: string;
  name: string;
}

interface Act {
  /** The question, as "Give Nora 5.00 as a gift?". */
  title: string;
  path: string;
  body: Record<string, string>;
  /** Whether the act gives credit to the user, with which a conversation may go on. */
  givesCredit: boolean;
  /** What else the question says: which conversation is meant, who bears the refund, when a gift ends; "" for nothing. */
  details: () => Promise<string>;
}

let key = randomId();

/** Offers the acts; `load` shows the account again, and is called after each act. */
export function offerActs(user: Person, operator: string, load: () => Promise<Account>): void {
  const form = find<HTMLFormElement>("act");
  const chosen = field(form, "act");
  showFieldsOf(chosen.value);
  form.addEventListener("input", () => {
    // The same act, sent twice, is done once; a changed one is another act.
    key = randomId();
    showFieldsOf(chosen.value);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void perform(find<HTMLButtonElement>("go"), async () => {
      setText(find("done"), "");
      const act = readAct(form, user);
      const why = field(form, "why").value.trim();
      const effect = await effectOnConversations(user.id, act.givesCredit);
      const text = [say("actReason", { why, operator }), await act.details(), effect]
        .filter(Boolean)
        .join(" · ");
      const answers = { yes: say("doIt"), no: talkWords().notNow };
      if (!(await ask({ title: act.title, text, ...answers, isDanger: true }))) return;
      // Who is refused sees what there is now.
      await request("POST", act.path, act.body, key).catch(async (error: unknown) => {
        await load();
        throw error;
      });
      key = randomId();
      form.reset();
      showFieldsOf(chosen.value);
      const { available } = await load();
      setText(find("done"), say("actDone", { name: user.name, amount: money(available) }));
    });
  });
}

/** The records that can be refunded, in the order of the list. */
export function offerRecords(records: readonly RecordSummary[]): void {
  const select = find<HTMLSelectElement>("refundable");
  const { value } = select;
  const options = records
    .filter(({ cost, refunded }) => micros(cost) > micros(refunded))
    .map(({ id, advisor_name, started_at, cost, refunded }) => {
      const left = money(credits(micros(cost) - micros(refunded)));
      return make(
        "option",
        { value: id },
        `${day(started_at)}, ${timeOfDay(started_at)}, ${advisor_name}, ${left}`,
      );
    });
  select.replaceChildren(...options);
  if (options.some((option) => option.value === value)) select.value = value;
}

function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return form.elements.namedItem(name) as HTMLInputElement;
}

function showFieldsOf(act: string): void {
  find("expires-field").hidden = act !== "gift";
  for (const id of ["record-field", "bearer-field"]) find(id).hidden = act !== "record";
  find<HTMLSelectElement>("refundable").required = act === "record";
}

function readAct(form: HTMLFormElement, user: Person): Act {
  const [act, why] = ["act", "why"].map((name) => field(form, name).value.trim()) as [string, string];
  const size = typedNumber(field(form, "amount").value);
  const name = nameInSentence(user.name);
  const amount = money(size);
  if (act === "record") {
    const refunds = path`/records/${field(form, "record").value}/refunds`;
    const body = { amount: size, reason: why, borne_by: field(form, "borne_by").value };
    const which = find<HTMLSelectElement>("refundable").selectedOptions[0]?.textContent ?? "";
    return {
      title: say("askRefundConversation", { name, amount }),
      path: refunds,
      body,
      givesCredit: true,
      details: async () => {
        const refund = await request<Documents["Refund"]>(
          "POST",
          refunds,
          { ...body, dry_run: true },
          randomId(),
        );
        return `${which} · ${bearerText(refund.advisor_amount)}`;
      },
    };
  }
  if (act === "debit")
    return {
      title: say("askTake", { name, amount }),
      path: path`/users/${user.id}/debits`,
      body: { amount: size, reference: why },
      givesCredit: false,
      details: async () => "",
    };
  const expires = act === "gift" ? field(form, "expires").value : "";
  const end = expires === "" ? null : new Date(`${expires}T23:59:59`).toISOString();
  return {
    title: say(act === "gift" ? "askGift" : "askGiveBack", { name, amount }),
    path: path`/users/${user.id}/credits`,
    body: {
      amount: size,
      kind: act,
      reference: why,
      ...(end !== null && { expires_at: end }),
    },
    givesCredit: true,
    details: async () => (end === null ? "" : say("giftLasts", { day: day(end) })),
  };
}
