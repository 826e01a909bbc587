/** An advisor as operators see one: the price, the terms, the statement of a month, the records. */

import { find, setText } from "../shell/dom.ts";
import { openPage, showLoaded, showProblem } from "../shell/frame.ts";
import { openMonth } from "../shell/month.ts";
import { showPages } from "../shell/more.ts";
import { showPastSessions } from "../shell/past-sessions.ts";
import { recordRow } from "../shell/record-row.ts";
import { type Advisor, type Documents, path, request } from "../shell/service.ts";
import { showStatement } from "../shell/statement.ts";
import { localeOfPage, say } from "../texts/language.ts";
import { money, price } from "../texts/words.ts";

const PAGE = 20;

async function showAdvisor(advisor: string): Promise<void> {
  const { id, display_name, tariff, terms } = await request<Advisor>("GET", path`/advisors/${advisor}`);
  document.title = `${display_name} · talktime`;
  setText(find("name"), display_name);
  setText(find("id"), id);
  setText(find("price"), price(tariff));
  if (!terms) return;
  const values = {
    share: Number(terms.share_percent).toLocaleString(localeOfPage(), { maximumFractionDigits: 4 }),
    minute: money(terms.fee_per_minute),
    session: money(terms.fee_per_session),
  };
  setText(find("terms"), say("terms", values));
}

async function showRecords(advisor: string): Promise<void> {
  await showPages(find<HTMLButtonElement>("more-records"), async (after) => {
    const query = new URLSearchParams({
      advisor_id: advisor,
      limit: String(PAGE),
      ...(after !== null && { after }),
    });
    const page = await request<Documents["Records"]>("GET", `/records?${query}`);
    find("records").append(...page.data.map(recordRow));
    find("no-records").hidden = find("records").childElementCount > 0;
    return page.next;
  });
}

async function open(advisor: string): Promise<void> {
  const month = await openMonth();
  await Promise.all([
    showAdvisor(advisor),
    showStatement(advisor, month),
    showRecords(advisor),
    showPastSessions("advisor_id", advisor, "user_id"),
  ]);
  showLoaded();
  find("advisor").hidden = false;
}

const session = await openPage("operator");
if (session) open(find("content").dataset.advisor ?? "").catch(showProblem);
