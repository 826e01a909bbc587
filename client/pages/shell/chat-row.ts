/** One chat in a list of chats. */

import { stopwatch } from "../../src/core/digits.ts";
import type { Party } from "../../src/core/types.ts";
import { isAbsence, reasonNow } from "../../src/talk/presence.ts";
import { say } from "../texts/language.ts";
import { reason, shortDayAndTime } from "../texts/words.ts";
import { make } from "./dom.ts";
import { type ChatSummary, path, root } from "./service.ts";

/** A row that links to the chat. It shows the chat's duration, or `time`, which may be a live timer. */
export function chatRow(chat: ChatSummary, viewer: Party, time?: HTMLElement): HTMLElement {
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + path`/chat/${chat.id}` },
      make("strong", { dir: "auto" }, viewer === "user" ? chat.advisor_name : chat.user_name),
      time ?? make("span", { class: "number" }, stopwatch(chat.duration_ms)),
      make("span", { class: "quiet", dir: "auto" }, chat.last_message ?? shortDayAndTime(chat.created_at)),
      make("span", { class: "badges" }, unreadBadge(chat), badge(chat, viewer)),
    ),
  );
}

/** The state of the chat: a record runs only in its current chat. */
export function stateOf(chat: ChatSummary): "requested" | "running" | "paused" | "ended" | "new" | "moved" {
  if (chat.state === null) return "new";
  if (chat.state !== "ended" && !chat.current) return "moved";
  return chat.state;
}

/** Whether the record of the chat has not ended, and is in this chat. */
export function isLive(chat: ChatSummary): boolean {
  return ["requested", "running", "paused"].includes(stateOf(chat));
}

/** The chats whose record has not ended, those that wait or have been left last; and the other chats. */
export function nowAndEarlier(chats: readonly ChatSummary[]): [ChatSummary[], ChatSummary[]] {
  const rank = (chat: ChatSummary) => (isLive(chat) ? Number(chat.state === "paused") : 2);
  const isNow = (chat: ChatSummary) => isLive(chat) || stateOf(chat) === "moved";
  return [chats.filter(isNow).sort((a, b) => rank(a) - rank(b)), chats.filter((chat) => !isNow(chat))];
}

/** Whether a user is here and waits for the advisor. */
export function waitsForAdvisor(chat: ChatSummary): boolean {
  if (stateOf(chat) !== "paused" || !isAbsence(chat.reason)) return false;
  // A node of an earlier version does not say who is present.
  if (!chat.presence) return chat.reason === "advisor_away" && chat.duration_ms === 0;
  return chat.presence.user && !chat.presence.advisor;
}

/** "2 new" where the other party has written; null where everything is read. */
export function unreadBadge({ unread }: ChatSummary): HTMLElement | null {
  return unread > 0
    ? make("span", { class: "badge unread" }, say("unread", { count: String(unread) }))
    : null;
}

/** Sets the title of a list behind the number of its unread messages. */
export function showUnreadInTitle(chats: readonly ChatSummary[], title: string): void {
  const count = chats.reduce((sum, { unread }) => sum + unread, 0);
  document.title = count > 0 ? `(${count}) ${title}` : title;
}

/** Whether the chat's record ended as a call that nobody answered: the list says why no time ran. */
function isUnanswered({ reason, duration_ms }: ChatSummary): boolean {
  return reason === "missed" || reason === "declined" || (isAbsence(reason) && duration_ms === 0);
}

function badge(chat: ChatSummary, viewer: Party): HTMLElement {
  const state = stateOf(chat);
  const isWaiting = viewer === "advisor" && waitsForAdvisor(chat);
  const words = {
    requested: say("requested"),
    running: say("running"),
    paused: isWaiting ? say("waitsForYou") : reason(reasonNow(chat, viewer) ?? "paused", viewer),
    ended: isUnanswered(chat) ? reason(chat.reason, viewer) : say("ended"),
    moved: say("moved"),
    new: say("fresh"),
  };
  return make("span", { class: `badge ${state}` }, words[state]);
}
