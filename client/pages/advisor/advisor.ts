/**
 * An advisor's chats, first those that run or are paused.
 *
 * Their timers are live, so the advisor is present in each of them. Chats that users start are found by a request now and
 * then.
 */

import { micros } from "../../src/core/price.ts";
import { connect } from "../../src/index.ts";
import { chatRow, stateOf } from "../shell/chat-row.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, showProblem } from "../shell/frame.ts";
import { type ChatSummary, path, request, root, token } from "../shell/service.ts";
import { money } from "../texts/words.ts";

const REFRESH_MS = 3000;

function watch(advisor: string): void {
  const talktime = connect({ url: root || location.origin, token });
  const rows = new Map<string, { key: string; row: HTMLElement }>();

  /** A row stays while its text stays the same, so that its timer goes on and it keeps the focus. */
  function rowOf(chat: ChatSummary): HTMLElement {
    const live = isNow(chat);
    const key = [
      chat.state,
      chat.reason,
      chat.current,
      chat.last_message,
      chat.user_name,
      live || chat.duration_ms,
    ].join();
    const known = rows.get(chat.id);
    if (known?.key === key) {
      showEarned(known.row, chat);
      return known.row;
    }
    const row = chatRow(chat, chat.user_name, live ? timer(chat.id) : undefined);
    if (live) row.firstElementChild?.append(make("span", { class: "quiet earned" }));
    showEarned(row, chat);
    rows.set(chat.id, { key, row });
    return row;
  }

  function timer(chatId: string): HTMLElement {
    const element = make("talk-time" as "span", { show: "elapsed", class: "number" });
    Object.assign(element, { chat: talktime.watch(chatId) });
    return element;
  }

  function show(chats: ChatSummary[]): void {
    const now = chats
      .filter(isNow)
      .sort((a, b) => Number(b.state === "running") - Number(a.state === "running"));
    const earlier = chats.filter((chat) => !isNow(chat));
    showRows("running", now.map(rowOf));
    showRows("earlier", earlier.map(rowOf));
    find("no-running").hidden = now.length > 0;
    find("earlier-section").hidden = earlier.length === 0;
  }

  async function refresh(): Promise<void> {
    try {
      show((await request<{ chats: ChatSummary[] }>("GET", path`/advisors/${advisor}/chats`)).chats);
      showProblem(null);
    } catch (error) {
      showProblem(error);
    }
    // A hidden page requests nothing until it is visible again.
    if (document.hidden) document.addEventListener("visibilitychange", () => void refresh(), { once: true });
    else setTimeout(() => void refresh(), REFRESH_MS);
  }

  void refresh();
}

/** Shows what the advisor has earned so far, in the same row. */
function showEarned(row: HTMLElement, { earned }: ChatSummary): void {
  const earnedText = row.querySelector<HTMLElement>(".earned");
  if (earnedText)
    setText(earnedText, earned === undefined || micros(earned) === 0n ? "" : `${money(earned)} earned`);
}

function isNow(chat: ChatSummary): boolean {
  return ["running", "paused"].includes(stateOf(chat));
}

function showRows(id: string, rows: HTMLElement[]): void {
  const list = find(id);
  if (rows.length === list.children.length && rows.every((row, index) => list.children[index] === row))
    return;
  list.replaceChildren(...rows);
}

const session = openPage("advisor");
if (session) watch(session.subject);
