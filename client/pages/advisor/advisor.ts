/**
 * An advisor's chats, first those that run or are paused.
 *
 * Their timers are live, but to look at a list is not to be there: the advisor is present in a chat only on its own page.
 * Chats that users start are found by a request now and then.
 */

import { micros } from "../../src/core/price.ts";
import { connect } from "../../src/index.ts";
import {
  chatRow,
  isLive,
  nowAndEarlier,
  showUnreadInTitle,
  stateOf,
  waitsForAdvisor,
} from "../shell/chat-row.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showProblem } from "../shell/frame.ts";
import { type Call, callPanel, offerAlerts, ring } from "../shell/ring.ts";
import { type ChatSummary, goTo, path, request, root, token } from "../shell/service.ts";
import { say } from "../texts/language.ts";
import { money } from "../texts/words.ts";

const TITLE = document.title;
const REFRESH_MS = 3000;
const HIDDEN_REFRESH_MS = 10_000;

function watch(advisor: string): void {
  const talktime = connect({ url: root || location.origin, token });
  const rows = new Map<string, { key: string; row: HTMLElement }>();

  /** A row stays while its text stays the same, so that its timer goes on and it keeps the focus. */
  function rowOf(chat: ChatSummary): HTMLElement {
    const live = isLive(chat);
    const key = [
      chat.state,
      chat.reason,
      chat.current,
      chat.presence?.user,
      chat.presence?.advisor,
      chat.last_message,
      chat.unread,
      chat.user_name,
      live || chat.duration_ms,
    ].join();
    const known = rows.get(chat.id);
    if (known?.key === key) {
      showEarned(known.row, chat);
      return known.row;
    }
    const row = chatRow(chat, "advisor", live ? timer(chat.id) : undefined);
    if (live) row.firstElementChild?.append(make("span", { class: "quiet earned" }));
    showEarned(row, chat);
    rows.set(chat.id, { key, row });
    return row;
  }

  function timer(chatId: string): HTMLElement {
    const element = make("talk-time" as "span", { show: "elapsed", of: "chat", class: "number" });
    Object.assign(element, { chat: talktime.watch(chatId, { presence: false }) });
    return element;
  }

  function show(chats: ChatSummary[]): void {
    showUnreadInTitle(chats, TITLE);
    showCalls(
      chats.filter((chat) => stateOf(chat) === "requested"),
      chats.filter(waitsForAdvisor),
    );
    const [now, earlier] = nowAndEarlier(chats);
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
    // A hidden page goes on, because its title says that somebody has written.
    setTimeout(() => void refresh(), document.hidden ? HIDDEN_REFRESH_MS : REFRESH_MS);
  }

  void refresh();
}

/** Rings while users call, or else tells of a user who waits, and shows each call with its two answers. */
function showCalls(requests: ChatSummary[], waiting: ChatSummary[]): void {
  const list = find("calls");
  const calls = requests.map(callOf);
  const [waits] = waiting;
  ring(calls[0] ?? (waits ? { ...callOf(waits), quiet: "waits" } : null));
  const key = calls.map(({ chatId }) => chatId).join();
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...calls.map(panel));
}

function callOf({ id, user_name }: ChatSummary): Call {
  return { chatId: id, name: user_name, open: () => goTo(path`/chat/${id}`) };
}

function panel(call: Call): HTMLElement {
  const answer = (how: "accept" | "decline") => (event: Event) =>
    perform(event.currentTarget as HTMLButtonElement, async () => {
      await request("POST", path`/chats/${call.chatId}/${how}`);
      if (how === "accept") call.open();
      else find("calls").replaceChildren();
    });
  return callPanel(call, answer("accept"), answer("decline"));
}

/** Shows what the advisor has earned so far, in the same row. */
function showEarned(row: HTMLElement, { earned }: ChatSummary): void {
  const earnedText = row.querySelector<HTMLElement>(".earned");
  if (earnedText)
    setText(
      earnedText,
      earned === undefined || micros(earned) === 0n ? "" : say("amountEarned", { amount: money(earned) }),
    );
}

function showRows(id: string, rows: HTMLElement[]): void {
  const list = find(id);
  if (rows.length === list.children.length && rows.every((row, index) => list.children[index] === row))
    return;
  list.replaceChildren(...rows);
}

const session = await openPage("advisor");
if (session) {
  offerAlerts();
  watch(session.subject);
}
