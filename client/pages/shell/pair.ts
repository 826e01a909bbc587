/** The chats of one user and one advisor, to move between. */

import { stopwatch } from "../../src/core/digits.ts";
import type { Snapshot } from "../../src/core/types.ts";
import type { Viewer } from "../texts/explain.ts";
import { stateOf } from "./chat-row.ts";
import { find, make } from "./dom.ts";
import { act } from "./frame.ts";
import { ask, type ChatSummary, path, root, visit } from "./service.ts";

/** The pair's chats, oldest first: their numbers must not change as new ones are added. */
export async function pairChats(
  viewer: Viewer,
  chat: { user_id: string; advisor_id: string },
): Promise<ChatSummary[]> {
  const list =
    viewer === "advisor" ? path`/advisors/${chat.advisor_id}/chats` : path`/users/${chat.user_id}/chats`;
  const { chats } = await ask<{ chats: ChatSummary[] }>("GET", list);
  return chats
    .filter((row) => row.user_id === chat.user_id && row.advisor_id === chat.advisor_id)
    .sort((a, b) => a.number - b.number);
}

/** Show them newest first, and "New chat" to the user. */
export function showPair(viewer: Viewer, here: string, chats: ChatSummary[]): void {
  const active = chats.some((chat) => chat.state === "running" || chat.state === "paused");
  const items = chats.map((chat) => make("li", {}, entry(viewer, here, chat, `Chat ${chat.number}`, active)));
  const list = find("chats");
  list.replaceChildren(...items.reverse());
  // On a phone they are a row to swipe: the chat one is in comes into sight.
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function entry(viewer: Viewer, here: string, chat: ChatSummary, name: string, active: boolean): HTMLElement {
  const state = stateOf(chat);
  const face = [
    make("span", { class: `dot ${state}`, "aria-hidden": "true" }),
    make("span", {}, name),
    // The current chat's time moves on: its digits are the timer's, not this list's.
    make("span", { class: "number quiet" }, state === "running" ? "running" : stopwatch(chat.duration_ms)),
  ];
  if (chat.id === here) return make("span", { "aria-current": "page" }, ...face);
  const page = path`/chat/${chat.id}`;
  // With nothing active, going there only shows it: a new bill begins with "Start" alone.
  if (viewer !== "user" || !active) return make("a", { href: root + page }, ...face);
  const button = make("button", { type: "button" }, ...face);
  button.addEventListener("click", () =>
    act(button, async () => {
      await ask<Snapshot>("POST", path`/chats/${chat.id}/tracking`);
      visit(page);
    }),
  );
  return button;
}

/** Let the button open a new chat of the pair, which moves the conversation there. */
export function offerNewChat(chat: { user_id: string; advisor_id: string }): void {
  const button = find<HTMLButtonElement>("new-chat");
  button.hidden = false;
  button.onclick = () =>
    act(button, async () => {
      const { user_id, advisor_id } = chat;
      const snapshot = await ask<Snapshot>("POST", "/chats", { user_id, advisor_id });
      visit(path`/chat/${snapshot.chat.id}`);
    });
}
