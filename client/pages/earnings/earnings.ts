/** What each month brought an advisor, with the receipt of each conversation. */

import { find, make } from "../shell/dom.ts";
import { openPage, perform, showLoaded, showProblem } from "../shell/frame.ts";
import { type Documents, path, request } from "../shell/service.ts";
import { conversationRow } from "../shell/statement.ts";
import { say } from "../texts/language.ts";
import { minutes, money, month } from "../texts/words.ts";

type Statement = Documents["Statement"];

/** The first instant of the month that is `back` months before this one, in the time zone of the reader. */
function monthStart(back: number): Date {
  const now = new Date();
  return new Date(now.getFullYear(), now.getMonth() - back, 1);
}

async function showMonth(advisor: string, back: number): Promise<void> {
  const from = monthStart(back).toISOString();
  const period = new URLSearchParams({ from, to: monthStart(back - 1).toISOString() });
  const statement = await request<Statement>("GET", `${path`/advisors/${advisor}/statement`}?${period}`);
  find("months").append(section(month(from), statement));
}

function section(name: string, { sessions, total }: Statement): HTMLElement {
  const sums = {
    net: money(total.net),
    count: String(total.sessions),
    time: minutes(total.time_ms),
    gross: money(total.gross),
    fees: money(total.fees),
    share: money(total.share),
    refunds: money(total.refunds),
  };
  const none = make("p", { class: "quiet" }, say("noEarnings"));
  if (sessions.length === 0) return make("section", {}, make("h2", {}, name), none);
  return make(
    "section",
    {},
    make("h2", {}, name),
    make("p", {}, say("earningsSum", sums)),
    make("p", { class: "quiet" }, say("earningsFees", sums)),
    make("ul", { class: "rows" }, ...[...sessions].reverse().map(conversationRow)),
  );
}

async function open(advisor: string): Promise<void> {
  let back = 0;
  await showMonth(advisor, back);
  showLoaded();
  const button = find<HTMLButtonElement>("more-months");
  button.hidden = false;
  button.addEventListener("click", () =>
    perform(button, async () => {
      await showMonth(advisor, back + 1);
      back += 1;
    }),
  );
}

const session = await openPage("advisor");
if (session) open(session.subject).catch(showProblem);
