/** The messages of a chat: each once and in order. A message of one's own is shown at once, as pending until it is stored. */

import type { Chat } from "../../src/chat.ts";
import type { Message } from "../../src/core/types.ts";
import { randomId } from "../../src/request.ts";
import { find, make, setText } from "../shell/dom.ts";
import { problemText } from "../shell/service.ts";
import { hourAndMinute } from "../texts/words.ts";

const TYPING_SHOWN_MS = 4000;
const TYPING_SENT_MS = 2000;

type Party = Message["sender"];

export interface Conversation {
  /** Resolves when the earlier messages are shown. */
  loaded: Promise<void>;
  /** Shows the names of the parties again: messages may arrive before the names are known. */
  updateNames(): void;
}

/** Shows the messages and the form to write one. Without a `party`, the viewer only looks on and sees the sender's name. */
export function showConversation(
  chat: Chat,
  party: Party | null,
  nameOf: (party: Party) => string,
): Conversation {
  const list = find("messages");
  const log = find("log");
  const items = new Map<string, HTMLLIElement>();
  const none = make("li", { class: "none" }, "No messages yet.");
  list.replaceChildren(none);
  const changeLog = keepEndInSight(log);

  function place(message: Message): void {
    const key = `${message.sender}:${message.client_id}`;
    const known = items.get(key);
    const item = known ?? make("li");
    item.className = message.sender === party ? "own" : "other";
    item.dataset.position = String(message.position);
    fill(item, message.text, hourAndMinute(message.at), message.sender);
    items.set(key, item);
    none.remove();
    changeLog(() => {
      const later = [...list.children].find((child) => isLater(child as HTMLElement, message.position));
      if (!known || item.nextElementSibling !== (later ?? null)) list.insertBefore(item, later ?? null);
    });
  }

  function fill(item: HTMLElement, text: string, when: string, sender: Party | null): void {
    const who = make("span", { class: party === null ? "who" : "unseen", "data-sender": sender ?? "" });
    showSender(who);
    item.replaceChildren(who, text, make("small", {}, when));
  }

  function showSender(who: HTMLElement): void {
    const sender = who.dataset.sender as Party;
    setText(who, `${sender === party ? "You" : nameOf(sender)}: `);
  }

  async function send(text: string, clientId: string): Promise<void> {
    const key = `${party ?? ""}:${clientId}`;
    const item = items.get(key) ?? make("li");
    items.set(key, item);
    item.className = "own pending";
    fill(item, text, "sending…", party);
    none.remove();
    list.append(item);
    log.scrollTop = log.scrollHeight;
    try {
      place(await chat.sendMessage(text, clientId));
    } catch (error) {
      // The live channel may have brought the message all the same.
      if (item.dataset.position) return;
      item.className = "own failed";
      fill(item, text, problemText(error), party);
      const again = make("button", { type: "button" }, "Send again");
      again.addEventListener("click", () => void send(text, clientId));
      item.append(again);
    }
  }

  chat.onMessage((message) => {
    place(message);
    if (message.sender !== party) setText(find("typing"), "");
  });
  showTyping(chat, party, nameOf);
  compose(chat, party, (text) => void send(text, randomId()));
  const loaded = chat.messages().then(({ messages }) => {
    for (const message of messages) place(message);
    log.scrollTop = log.scrollHeight;
  });
  return {
    loaded,
    updateNames: () => list.querySelectorAll<HTMLElement>("[data-sender]").forEach(showSender),
  };
}

/** A pending message has no position yet, and stays after all messages that have one. */
function isLater(item: HTMLElement, position: number): boolean {
  return item.dataset.position === undefined || Number(item.dataset.position) > position;
}

/**
 * Keeps the newest message in sight when the log shrinks or a message comes, unless the reader has scrolled up. Returns
 * the function through which the log must be changed.
 */
function keepEndInSight(log: HTMLElement): (change: () => void) => void {
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

function showTyping(chat: Chat, party: Party | null, nameOf: (party: Party) => string): void {
  let hide: ReturnType<typeof setTimeout> | undefined;
  chat.onTyping((sender) => {
    if (sender === party) return;
    setText(find("typing"), `${nameOf(sender)} is typing…`);
    clearTimeout(hide);
    hide = setTimeout(() => setText(find("typing"), ""), TYPING_SHOWN_MS);
  });
}

function compose(chat: Chat, party: string | null, send: (text: string) => void): void {
  const form = find<HTMLFormElement>("composer");
  const field = find<HTMLTextAreaElement>("text");
  form.hidden = party === null;
  let sentAt = -TYPING_SENT_MS;
  field.addEventListener("input", () => {
    if (performance.now() - sentAt < TYPING_SENT_MS || field.value.trim() === "") return;
    sentAt = performance.now();
    chat.typing();
  });
  field.addEventListener("keydown", (event) => {
    // Enter ends the composition of an input method, not the message.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text === "") return;
    field.value = "";
    sentAt = -TYPING_SENT_MS;
    send(text);
    field.focus();
  });
}
