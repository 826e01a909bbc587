/**
 * A user's chats and credits.
 *
 * It opens no live channel: watching a chat would prove that the user is there, and keep a meter running that nobody looks at.
 */

import type { Snapshot } from "../../src/core/types.ts";
import { chatRow } from "../shell/chat-row.ts";
import { demo, demoAdvisors } from "../shell/demo.ts";
import { find, make, say } from "../shell/dom.ts";
import { act, enter, showProblem } from "../shell/frame.ts";
import { type Account, type Advisor, ask, type ChatSummary, path, visit } from "../shell/service.ts";
import { topUpControl } from "../shell/topup.ts";
import { clock, day, money, price } from "../texts/words.ts";

async function showAccount(user: string): Promise<void> {
  const account = await ask<Account>("GET", path`/users/${user}/account`);
  const { available, committed, next_expiry } = account;
  say(find("available"), money(available));
  const line = find("committed");
  line.hidden = Number(committed) === 0;
  say(line, `${money(committed)} more is taken by what is running.`);
  find("expiry").hidden = next_expiry === null;
  if (next_expiry !== null) {
    const { amount, expires_at } = next_expiry;
    say(
      find("expiry"),
      `A gift of ${money(amount)} is spent first; it expires ${day(expires_at)}, ${clock(expires_at)}.`,
    );
  }
}

async function showChats(user: string): Promise<void> {
  const { chats } = await ask<{ chats: ChatSummary[] }>("GET", path`/users/${user}/chats`);
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
  start.addEventListener("click", () => act(start, () => open(user, advisor)));
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
  const snapshot = await ask<Snapshot>("POST", "/chats", {
    user_id: user,
    advisor_id: advisor.id,
    // The price on the card is the price agreed to: if it changed meanwhile, the service refuses.
    ...(advisor.tariff_version !== undefined && { tariff_version: advisor.tariff_version }),
  });
  visit(path`/chat/${snapshot.chat.id}`);
}

const session = enter("user");
if (session) {
  const user = session.subject;
  find("topup").append(...topUpControl(() => showAccount(user)));
  const show = () =>
    Promise.all([showAccount(user), showChats(user), demo ? showAdvisors(user) : null]).catch(showProblem);
  void show();
  // Back from a chat by the browser's own cache: what is shown is old.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void show();
  });
}
