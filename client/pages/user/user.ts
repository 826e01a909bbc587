/**
 * A user's chats and credit.
 *
 * The page opens no live channel: a user who watches a chat is present in it, and would be charged while looking at a list.
 */

import type { Snapshot } from "../../src/core/types.ts";
import { chatRow } from "../shell/chat-row.ts";
import { demoAdvisors, isDemo } from "../shell/demo.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showProblem } from "../shell/frame.ts";
import { type Account, type Advisor, type ChatSummary, goTo, path, request } from "../shell/service.ts";
import { topUpControl } from "../shell/topup.ts";
import { day, hourAndMinute, money, price } from "../texts/words.ts";

async function showAccount(user: string): Promise<void> {
  const account = await request<Account>("GET", path`/users/${user}/account`);
  const { available, committed, next_expiry } = account;
  setText(find("available"), money(available));
  const line = find("committed");
  line.hidden = Number(committed) === 0;
  setText(line, `${money(committed)} more is taken by what is running.`);
  find("expiry").hidden = next_expiry === null;
  if (next_expiry !== null) {
    const { amount, expires_at } = next_expiry;
    setText(
      find("expiry"),
      `A gift of ${money(amount)} is spent first; it expires ${day(expires_at)}, ${hourAndMinute(expires_at)}.`,
    );
  }
}

async function showChats(user: string): Promise<void> {
  const { chats } = await request<{ chats: ChatSummary[] }>("GET", path`/users/${user}/chats`);
  find("chats").replaceChildren(...chats.map((chat) => chatRow(chat, chat.advisor_name)));
  find("no-chats").hidden = chats.length > 0;
}

async function showAdvisors(user: string): Promise<void> {
  const advisors = await demoAdvisors();
  find("advisor-list").replaceChildren(...advisors.map((advisor) => card(user, advisor)));
  find("advisors").hidden = advisors.length === 0;
}

function card(user: string, advisor: Advisor): HTMLElement {
  const start = make("button", { class: "primary", type: "button" }, "Start chat");
  start.setAttribute("aria-label", `Start chat with ${advisor.display_name}`);
  start.addEventListener("click", () => perform(start, () => open(user, advisor)));
  return make(
    "li",
    {},
    make(
      "div",
      { class: "card person" },
      make("span", { class: "face", "aria-hidden": "true" }, advisor.display_name.slice(0, 1)),
      make(
        "span",
        {},
        make("strong", {}, advisor.display_name),
        make("span", { class: "line" }, price(advisor.tariff)),
        start,
      ),
    ),
  );
}

async function open(user: string, advisor: Advisor): Promise<void> {
  const snapshot = await request<Snapshot>("POST", "/chats", {
    user_id: user,
    advisor_id: advisor.id,
    // The user agrees to the price on the card: where the tariff has changed meanwhile, the service refuses.
    ...(advisor.tariff_version !== undefined && { tariff_version: advisor.tariff_version }),
  });
  goTo(path`/chat/${snapshot.chat.id}`);
}

const session = openPage("user");
if (session) {
  const user = session.subject;
  find("topup").append(...topUpControl(() => showAccount(user)));
  const show = () =>
    Promise.all([showAccount(user), showChats(user), isDemo ? showAdvisors(user) : null]).catch(showProblem);
  void show();
  // The browser may show the page from its cache when the user comes back: the numbers are old then.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void show();
  });
}
