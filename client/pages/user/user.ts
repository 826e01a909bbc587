/**
 * A user's chats and credit.
 *
 * The page opens no live channel: its numbers are read once, and again when the user comes back.
 */

import type { Snapshot, Tariff } from "../../src/core/types.ts";
import { RequestProblem } from "../../src/request.ts";
import { beginsRecord, isPaidSoon } from "../../src/talk/acts.ts";
import { agreesToGoOn, agreesToPay } from "../shell/agree.ts";
import { chatRow, showUnreadInTitle } from "../shell/chat-row.ts";
import { demoAdvisors, isDemo } from "../shell/demo.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showLoaded, showProblem } from "../shell/frame.ts";
import {
  type Account,
  type Advisor,
  type ChatSummary,
  goTo,
  offerOf,
  path,
  request,
} from "../shell/service.ts";
import { topUpControl } from "../shell/topup.ts";
import { say } from "../texts/language.ts";
import { tariffOfOffer } from "../texts/offer.ts";
import { dayAndTime, money, price } from "../texts/words.ts";

const TITLE = document.title;
const REFRESH_MS = 10_000;

let shownChats = "";
let chats: ChatSummary[] = [];

async function showAccount(user: string): Promise<void> {
  const account = await request<Account>("GET", path`/users/${user}/account`);
  const { available, committed, next_expiry } = account;
  setText(find("available"), money(available));
  const line = find("committed");
  line.hidden = Number(committed) === 0;
  setText(line, say("committed", { amount: money(committed) }));
  find("expiry").hidden = next_expiry === null;
  if (next_expiry !== null) {
    const { amount, expires_at } = next_expiry;
    setText(find("expiry"), say("giftExpires", { amount: money(amount), when: dayAndTime(expires_at) }));
  }
}

async function showChats(user: string): Promise<ChatSummary[]> {
  chats = await chatsOf(user);
  showUnreadInTitle(chats, TITLE);
  // A row that stays the same keeps the focus.
  const key = JSON.stringify(chats);
  if (key === shownChats) return chats;
  shownChats = key;
  find("chats").replaceChildren(...chats.map((chat) => chatRow(chat, "user")));
  find("no-chats").hidden = chats.length > 0;
  return chats;
}

async function showAdvisors(user: string): Promise<void> {
  const [advisors] = await Promise.all([demoAdvisors(), showChats(user)]);
  const cards = advisors.map(async (advisor) =>
    card(user, advisor, await tariffFor(user, advisor, activeWith(advisor) !== undefined)),
  );
  find("advisor-list").replaceChildren(...(await Promise.all(cards)));
  find("advisors").hidden = advisors.length === 0;
}

/** The tariff with the free time and the grace that the pair still has; without both for a record that goes on. */
async function tariffFor(user: string, advisor: Advisor, goesOn: boolean): Promise<Tariff> {
  const offer = goesOn ? null : await offerOf(user, advisor.id);
  return offer ? tariffOfOffer(offer) : { ...advisor.tariff, free_seconds: 0, grace_seconds: 0 };
}

function card(user: string, advisor: Advisor, tariff: Tariff): HTMLElement {
  const start = make("button", { class: "primary", type: "button" }, say("startChat"));
  start.setAttribute("aria-label", say("startChatWith", { name: advisor.display_name }));
  start.addEventListener("click", () => perform(start, () => open(user, advisor, price(tariff))));
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
        make("strong", { dir: "auto" }, advisor.display_name),
        make("span", { class: "line" }, price(tariff)),
        start,
      ),
    ),
  );
}

async function chatsOf(user: string): Promise<ChatSummary[]> {
  return (await request<{ chats: ChatSummary[] }>("GET", path`/users/${user}/chats`)).chats;
}

/** The chat that has the active record with this advisor, as the page has read it last. */
function activeWith({ id }: Advisor): ChatSummary | undefined {
  return chats.find(({ current, advisor_id }) => current && advisor_id === id);
}

/** The facts of the chat that has the active record with an advisor, or else of another chat; null without a chat. */
async function latestWith(user: string, advisor: string): Promise<Snapshot | null> {
  chats = await chatsOf(user);
  const own = chats.filter((chat) => chat.advisor_id === advisor);
  const earlier = own.find(({ current }) => current) ?? own[0];
  return earlier ? request<Snapshot>("GET", path`/chats/${earlier.id}/tracking`) : null;
}

/** Opens a chat. The user is asked where time is paid soon, or costs something else than the card shows. */
async function open(user: string, advisor: Advisor, shown: string): Promise<void> {
  const latest = await latestWith(user, advisor.id);
  const goesOn = latest !== null && !beginsRecord(latest);
  const stateNow = () => activeWith(advisor)?.state;
  if (goesOn && !(await agreesToGoOn(advisor.display_name, latest, stateNow))) return;
  const offer = goesOn ? null : await offerOf(user, advisor.id);
  const isAsked = offer !== null && (isPaidSoon(offer) || price(tariffOfOffer(offer)) !== shown);
  if (isAsked) {
    if (!(await agreesToPay(offer, () => activeWith(advisor) === undefined))) return;
    // The user has agreed to a new conversation. A running one, which has begun meanwhile, stays where it is.
    const begun = await latestWith(user, advisor.id);
    if (begun && !beginsRecord(begun)) return goTo(path`/chat/${begun.chat.id}`);
  }
  const snapshot = await request<Snapshot>("POST", "/chats", {
    user_id: user,
    advisor_id: advisor.id,
    // The offer of the question, or of the card where nobody was asked: a dearer start is refused.
    offer_version: offer?.version,
    // A record that goes on was not asked about: where it has ended meanwhile, the service refuses, too.
    record_id: goesOn ? latest.record?.id : undefined,
  }).catch(async (error: unknown) => {
    // The cards show the new prices then.
    if (error instanceof RequestProblem && error.problem.status === 409) await showAdvisors(user);
    throw error;
  });
  goTo(path`/chat/${snapshot.chat.id}`);
}

const session = await openPage("user");
if (session) {
  const user = session.subject;
  find("topup").append(...topUpControl(user, () => showAccount(user)));
  const show = () =>
    Promise.all([showAccount(user), isDemo ? showAdvisors(user) : showChats(user)])
      .then(showLoaded)
      .catch(showProblem);
  void show();
  setInterval(() => Promise.all([showAccount(user), showChats(user)]).catch(showProblem), REFRESH_MS);
  // The browser may show the page from its cache when the user comes back: the numbers are old then.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void show();
  });
}
