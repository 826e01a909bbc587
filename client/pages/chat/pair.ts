/** The chats of the pair beside the chat on the page: go to one of them, or open a new chat. */

import { stopwatch } from "../../src/core/digits.ts";
import type { Snapshot } from "../../src/core/types.ts";
import type { StartOptions } from "../../src/index.ts";
import { RequestProblem } from "../../src/request.ts";
import type { Viewer } from "../../src/talk/acts.ts";
import { stateOf, unreadBadge } from "../shell/chat-row.ts";
import { find, make } from "../shell/dom.ts";
import { perform } from "../shell/frame.ts";
import { receiptRow } from "../shell/receipt-row.ts";
import { type ChatSummary, type Documents, goTo, path, request, root } from "../shell/service.ts";
import { say } from "../texts/language.ts";
import { dayAndTime, minutes } from "../texts/words.ts";
import { showNewPrice } from "./price-line.ts";

/**
 * Shows the chats, the newest first. A running record goes along to another chat, if the user `agrees`; a record that is
 * paused stays.
 */
export function showPair(
  viewer: Viewer,
  here: string,
  chats: ChatSummary[],
  agrees: () => Promise<boolean>,
): void {
  const running = chats.find((chat) => stateOf(chat) === "running")?.record_id ?? null;
  const items = chats.map((chat) => make("li", {}, entry(viewer, here, chat, running, agrees)));
  const list = find("chats");
  list.replaceChildren(...items.reverse());
  // On a phone the chats are a row that scrolls: the chat on the page must be in sight.
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function entry(
  viewer: Viewer,
  here: string,
  chat: ChatSummary,
  running: string | null,
  agrees: () => Promise<boolean>,
): HTMLElement {
  const state = stateOf(chat);
  const face = [
    make("span", { class: `dot ${state}`, "aria-hidden": "true" }),
    make("span", {}, say("numberedChat", { number: String(chat.number) })),
    // The chat on the page is being read.
    chat.id === here ? null : unreadBadge(chat),
    // The time of a running chat changes: only the timer shows it.
    make(
      "span",
      { class: "number quiet" },
      state === "running" ? say("running") : stopwatch(chat.duration_ms),
    ),
  ];
  if (chat.id === here) return make("span", { "aria-current": "page" }, ...face);
  const page = path`/chat/${chat.id}`;
  // Without a running record a link is enough: to look at a chat neither begins a record nor lets one go on.
  if (viewer !== "user" || running === null) return make("a", { href: root + page }, ...face);
  const button = make("button", { type: "button" }, ...face);
  button.addEventListener("click", () =>
    perform(button, async () => {
      if (!(await agrees())) return;
      try {
        await request<Snapshot>("POST", path`/chats/${chat.id}/tracking`, { record_id: running });
      } catch (error) {
        // The record may have ended since: then nothing begins without a question, and the chat is only shown.
        if (!(error instanceof RequestProblem && error.problem.state === "ended")) throw error;
      }
      goTo(page);
    }),
  );
  return button;
}

/** Shows the records of the chat, each with a link to its receipt. */
export async function showRecords(chatId: string): Promise<void> {
  const { records } = await request<Documents["RecordSummaries"]>("GET", path`/chats/${chatId}/records`);
  find("past").hidden = records.length === 0;
  find("records").replaceChildren(
    ...records.map((record) => receiptRow(record, dayAndTime(record.started_at), minutes(record.elapsed_ms))),
  );
}

/** Shows the button that opens a new chat of the pair. `agrees` asks where a new chat costs something; null is a no. */
export function offerNewChat(
  chat: { user_id: string; advisor_id: string },
  agrees: () => Promise<StartOptions | null>,
): void {
  const button = find<HTMLButtonElement>("new-chat");
  button.hidden = false;
  button.onclick = () =>
    perform(button, async () => {
      const agreed = await agrees();
      if (!agreed) return;
      const { user_id, advisor_id } = chat;
      const opened = request<Snapshot>("POST", "/chats", {
        user_id,
        advisor_id,
        offer_version: agreed.offerVersion,
        record_id: agreed.recordId,
      });
      const snapshot = await showNewPrice(opened);
      goTo(path`/chat/${snapshot.chat.id}`);
    });
}
