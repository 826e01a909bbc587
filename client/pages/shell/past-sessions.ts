/** Conversations of the system before this one, on the pages of operators. The section is there only if there are some. */

import { dayAndTime, minutes, money } from "../texts/words.ts";
import { find, make } from "./dom.ts";
import { showPages } from "./more.ts";
import { type Documents, request } from "./service.ts";

const PAGE = 20;

/** Shows those of one person. `other` is the person with whom that person talked. */
export async function showPastSessions(
  person: "user_id" | "advisor_id",
  id: string,
  other: "user_id" | "advisor_id",
): Promise<void> {
  const rows = find("past-sessions");
  await showPages(find<HTMLButtonElement>("more-past-sessions"), async (after) => {
    const query = new URLSearchParams({
      [person]: id,
      limit: String(PAGE),
      ...(after !== null && { after }),
    });
    const list = await request<Documents["PastSessions"]>("GET", `/past-sessions?${query}`);
    if (after === null) rows.replaceChildren();
    rows.append(
      ...list.data.map((session) =>
        make(
          "li",
          { class: "row" },
          make("strong", { dir: "auto" }, session[other]),
          make("span", { class: "number" }, money(session.cost)),
          make(
            "span",
            { class: "quiet" },
            `${dayAndTime(session.started_at)}, ${minutes(session.duration_ms)}`,
          ),
        ),
      ),
    );
    find("earlier").hidden = rows.childElementCount === 0;
    return list.next;
  });
}
