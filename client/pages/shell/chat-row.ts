/** One chat in a list of chats. */

import { stopwatch } from "../../src/core/digits.ts";
import { day, hourAndMinute, reason } from "../texts/words.ts";
import { make } from "./dom.ts";
import { type ChatSummary, path, root } from "./service.ts";

/** A row that links to the chat. It shows the chat's duration, or `time`, which may be a live timer. */
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
        chat.last_message ?? `${day(chat.created_at)}, ${hourAndMinute(chat.created_at)}`,
      ),
      badge(chat),
    ),
  );
}

/** The state of the chat: a record runs only in its current chat. */
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
