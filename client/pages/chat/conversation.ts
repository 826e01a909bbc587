/** The messages of a chat: each once, in order, one's own shown at once as pending until stored. */

import type { Chat } from "../../src/chat.ts";
import type { Message } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { find, make, say } from "../shell/dom.ts";
import { inWords } from "../shell/service.ts";
import { clock } from "../texts/words.ts";

const TYPING_SHOWN_MS = 4000;
const TYPING_TOLD_MS = 2000;

type Party = Message["sender"];

export interface Conversation {
  /** Settles when what was said before is shown. */
  loaded: Promise<void>;
  /** Names whoever spoke once more: messages may be here before it is known what people are called. */
  rename(): void;
}

/** Fill the message list and its composer; `side` null looks on, cannot write, and sees who says what. */
export function converse(talk: Chat, side: Party | null, name: (party: Party) => string): Conversation {
  const list = find("messages");
  const log = find("log");
  const items = new Map<string, HTMLLIElement>();
  const none = make("li", { class: "none" }, "No messages yet.");
  list.replaceChildren(none);
  const keepingEnd = holdEnd(log);

  function place(message: Message): void {
    const key = `${message.sender}:${message.client_id}`;
    const known = items.get(key);
    const item = known ?? make("li");
    item.className = message.sender === side ? "own" : "other";
    item.dataset.position = String(message.position);
    fill(item, message.text, clock(message.at), message.sender);
    items.set(key, item);
    none.remove();
    keepingEnd(() => {
      const later = [...list.children].find((child) => isLater(child as HTMLElement, message.position));
      if (!known || item.nextElementSibling !== (later ?? null)) list.insertBefore(item, later ?? null);
    });
  }

  function fill(item: HTMLElement, text: string, when: string, sender: Party | null): void {
    const who = make("span", { class: side === null ? "who" : "unseen", "data-sender": sender ?? "" });
    title(who);
    item.replaceChildren(who, text, make("small", {}, when));
  }

  function title(who: HTMLElement): void {
    const sender = who.dataset.sender as Party;
    say(who, `${sender === side ? "You" : name(sender)}: `);
  }

  async function send(text: string, clientId: string): Promise<void> {
    const key = `${side ?? ""}:${clientId}`;
    const item = items.get(key) ?? make("li");
    items.set(key, item);
    item.className = "own pending";
    fill(item, text, "sending…", side);
    none.remove();
    list.append(item);
    log.scrollTop = log.scrollHeight;
    try {
      place(await talk.sendMessage(text, clientId));
    } catch (error) {
      // It may have arrived by the live channel all the same.
      if (item.dataset.position) return;
      item.className = "own failed";
      fill(item, text, inWords(error), side);
      const again = make("button", { type: "button" }, "Send again");
      again.addEventListener("click", () => void send(text, clientId));
      item.append(again);
    }
  }

  talk.onMessage((message) => {
    place(message);
    if (message.sender !== side) say(find("typing"), "");
  });
  showTyping(talk, side, name);
  compose(talk, side, (text) => void send(text, randomId()));
  const loaded = talk.messages().then(({ messages }) => {
    for (const message of messages) place(message);
    log.scrollTop = log.scrollHeight;
  });
  return { loaded, rename: () => list.querySelectorAll<HTMLElement>("[data-sender]").forEach(title) };
}

/** A pending message has no position yet and stays behind all that have. */
function isLater(item: HTMLElement, position: number): boolean {
  return item.dataset.position === undefined || Number(item.dataset.position) > position;
}

/**
 * Keeps the newest message in sight when the log shrinks or a message comes; somebody who reads further up is not pulled
 * down. Answers the function to change the log with.
 */
function holdEnd(log: HTMLElement): (change: () => void) => void {
  let atEnd = true;
  const toEnd = () => {
    if (atEnd) log.scrollTop = log.scrollHeight;
  };
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  });
  new ResizeObserver(toEnd).observe(log);
  return (change) => {
    change();
    toEnd();
  };
}

function showTyping(talk: Chat, side: Party | null, name: (party: Party) => string): void {
  let hide: ReturnType<typeof setTimeout> | undefined;
  talk.onTyping((party) => {
    if (party === side) return;
    say(find("typing"), `${name(party)} is typing…`);
    clearTimeout(hide);
    hide = setTimeout(() => say(find("typing"), ""), TYPING_SHOWN_MS);
  });
}

function compose(talk: Chat, side: string | null, send: (text: string) => void): void {
  const form = find<HTMLFormElement>("composer");
  const field = find<HTMLTextAreaElement>("text");
  form.hidden = side === null;
  let told = -TYPING_TOLD_MS;
  field.addEventListener("input", () => {
    if (performance.now() - told < TYPING_TOLD_MS || field.value.trim() === "") return;
    told = performance.now();
    talk.typing();
  });
  field.addEventListener("keydown", (event) => {
    // While an input method composes, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    told = -TYPING_TOLD_MS;
    send(text);
    field.focus();
  });
}
