/**
 * An advisor's chats, those that run first.
 *
 * The timers are live: to watch a chat is to be there for it. Chats that others start are found by asking again now and then.
 */

import { micros } from "../../src/core/price.ts";
import { connect } from "../../src/index.ts";
import { chatRow, stateOf } from "../shell/chat-row.ts";
import { find, make, say } from "../shell/dom.ts";
import { enter, showProblem } from "../shell/frame.ts";
import { ask, type ChatSummary, path, root, token } from "../shell/service.ts";
import { money } from "../texts/words.ts";

const AGAIN_MS = 3000;

function watch(advisor: string): void {
  const talktime = connect({ url: root || location.origin, token });
  const rows = new Map<string, { key: string; row: HTMLElement }>();

  /** A row is kept while its words stay the same: its timer runs on and focus is not lost. */
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
      tellEarned(known.row, chat);
      return known.row;
    }
    const row = chatRow(chat, chat.user_name, live ? timer(chat.id) : undefined);
    if (live) row.firstElementChild?.append(make("span", { class: "quiet earned" }));
    tellEarned(row, chat);
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
    put("running", now.map(rowOf));
    put("earlier", earlier.map(rowOf));
    find("no-running").hidden = now.length > 0;
    find("earlier-section").hidden = earlier.length === 0;
  }

  async function refresh(): Promise<void> {
    try {
      show((await ask<{ chats: ChatSummary[] }>("GET", path`/advisors/${advisor}/chats`)).chats);
      showProblem(null);
    } catch (error) {
      showProblem(error);
    }
    // A page nobody looks at asks no more until somebody does.
    if (document.hidden) document.addEventListener("visibilitychange", () => void refresh(), { once: true });
    else setTimeout(() => void refresh(), AGAIN_MS);
  }

  void refresh();
}

/** What the advisor has earned so far: the words change, the row stays. */
function tellEarned(row: HTMLElement, { earned }: ChatSummary): void {
  const place = row.querySelector<HTMLElement>(".earned");
  if (place) say(place, earned === undefined || micros(earned) === 0n ? "" : `${money(earned)} earned`);
}

function isNow(chat: ChatSummary): boolean {
  return ["running", "paused"].includes(stateOf(chat));
}

function put(id: string, rows: HTMLElement[]): void {
  const list = find(id);
  if (rows.length === list.children.length && rows.every((row, index) => list.children[index] === row))
    return;
  list.replaceChildren(...rows);
}

const session = enter("advisor");
if (session) watch(session.subject);
