/** One chat in a list of chats. */

import { stopwatch } from "../../src/core/digits.ts";
import { clock, day, reason } from "../texts/words.ts";
import { make } from "./dom.ts";
import { type ChatSummary, path, root } from "./service.ts";

/** A row that leads to the chat; `time` shows its own duration unless a live timer is given. */
export function chatRow(chat: ChatSummary, other: string, time?: HTMLElement): HTMLElement {
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + path`/chat/${chat.id}` },
      make("strong", {}, other),
      time ?? make("span", { class: "number" }, stopwatch(chat.duration_ms)),
      make(
        "span",
        { class: "quiet" },
        chat.last_message ?? `${day(chat.created_at)}, ${clock(chat.created_at)}`,
      ),
      badge(chat),
    ),
  );
}

/** What the chat's record does here: only where it points to can it run. */
export function stateOf(chat: ChatSummary): "running" | "paused" | "ended" | "new" | "moved" {
  if (chat.state === null) return "new";
  if (chat.state !== "ended" && !chat.current) return "moved";
  return chat.state;
}

function badge(chat: ChatSummary): HTMLElement {
  const state = stateOf(chat);
  const words = {
    running: "running",
    paused: chat.reason && chat.reason !== "paused" ? reason(chat.reason) : "paused",
    ended: "ended",
    moved: "stopped",
    new: "not started",
  };
  return make("span", { class: `badge ${state}` }, words[state]);
}
