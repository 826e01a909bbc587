/** An advisor's statement of a month: the arithmetic to what is paid, and the conversations with their receipts. */

import { credits, micros } from "../../src/core/price.ts";
import { say, type Word } from "../texts/language.ts";
import { bearerText, minutes, money, shortDayAndTime } from "../texts/words.ts";
import { find, make, setText } from "./dom.ts";
import { type Month, periodOf } from "./month.ts";
import { showPages } from "./more.ts";
import { type Documents, path, request, root } from "./service.ts";

type Statement = Documents["Statement"];

const ROWS = 100;

/** Requests the statement and shows it in the places that the page has for it. */
export async function showStatement(advisor: string, month: Month): Promise<Statement> {
  const statement = await request<Statement>(
    "GET",
    `${path`/advisors/${advisor}/statement`}?${periodOf(month)}`,
  );
  const { total, sessions } = statement;
  // A conversation of an earlier month stands here for its refund: none was held in this month for that.
  const held = sessions.filter(({ gross, time_ms }) => time_ms > 0 || micros(gross) > 0n).length;
  const counted = { count: String(held), time: minutes(total.time_ms) };
  setText(find("counted"), held === 0 ? say("noEarnings") : say("statementCounted", counted));
  find("lines").replaceChildren(...lines(statement).map(([word, amount]) => line(word, amount)));
  setText(find("payable"), money(statement.payable));
  const left =
    micros(statement.carried) > 0n ? say("statementCarried", { amount: money(statement.carried) }) : "";
  setText(find("carried"), micros(statement.payable) < 0n ? say("statementOwed") : left);
  const newest = [...sessions].reverse();
  find("sessions").replaceChildren();
  await showPages(find<HTMLButtonElement>("more-sessions"), async (shown) => {
    const end = Number(shown ?? "0") + ROWS;
    find("sessions").append(...newest.slice(end - ROWS, end).map(conversationRow));
    return end < newest.length ? String(end) : null;
  });
  return statement;
}

/** From what users were charged to what can be paid: each amount with its sign, so that they add up. */
function lines({ total, carried_before, carried }: Statement): [Word, string][] {
  const others = micros(total.gross) - micros(total.fees) - micros(total.share);
  return [
    ["statementGross", total.gross],
    ["statementFees", negative(total.fees)],
    ["statementOthers", negative(credits(others))],
    ["statementRefunds", negative(total.refunds)],
    ["statementBefore", carried_before],
    ["statementLeft", negative(carried)],
  ];
}

function negative(amount: string): string {
  return credits(-micros(amount));
}

function line(word: Word, amount: string): HTMLElement {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, say(word)),
    make("td", { class: "number" }, money(amount)),
  );
}

/** A conversation of a statement in a list, with a link to its receipt. */
function conversationRow(session: Statement["sessions"][number]): HTMLElement {
  const { record_id, user_name, started_at, time_ms, charged_later, refunded, refunds, net } = session;
  // A charge belongs to the month in which it was posted: at a pause or at the end.
  const isLater = micros(charged_later ?? "0") > 0n; // a node of an earlier version does not say it
  const facts = [
    shortDayAndTime(started_at),
    time_ms > 0 && minutes(time_ms),
    isLater && say("chargedLater", { amount: money(charged_later) }),
    micros(refunded) > 0n && `${say("refundedAmount", { amount: money(refunded) })} (${bearerText(refunds)})`,
  ];
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + path`/receipts/${record_id}` },
      make("strong", { dir: "auto" }, user_name),
      make("span", { class: "number" }, money(net)),
      make("span", { class: "quiet whole" }, facts.filter(Boolean).join(", ")),
    ),
  );
}
