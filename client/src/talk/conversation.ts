/** The messages of a chat: each once and in order. A message of one's own is shown at once, as pending until it is stored. */

import type { Chat } from "../chat.ts";
import type { Message } from "../core/types.ts";
import { make, setText } from "../dom.ts";
import { randomId } from "../request.ts";
import { filled, type Words } from "../words.ts";
import { FREELY, writingOf } from "./writing.ts";

/** How near the beginning of the log the reader is when earlier messages are requested, in pixels. */
const NEAR_BEGINNING_PX = 400;
const TYPING_SHOWN_MS = 4000;
const TYPING_SENT_MS = 2000;

type Party = Message["sender"];

/** The elements of a page or of an element in which the conversation is shown. */
export interface ConversationParts {
  log: HTMLElement;
  /** The list of the messages, in the log. */
  list: HTMLElement;
  typing: HTMLElement;
  composer: HTMLFormElement;
  field: HTMLTextAreaElement;
  /** The line above the field: why nobody can write, or what they can write. */
  why: HTMLElement;
}

/** Who looks at a conversation. */
export interface Reader {
  /** The party whose page this is; null for somebody who only looks on and sees the sender's name. */
  party: Party | null;
  nameOf(party: Party): string;
  /** Whether the host lets people write while no time runs. */
  writesWhenStopped(): boolean;
}

/** The words of a conversation. */
export interface ConversationWords {
  words(): Words;
  /** An instant in words. */
  moment(at: string): string;
  /** A failure in words. */
  problem(error: unknown): string;
}

export interface Conversation {
  /** Resolves to the position of the newest message when the newest messages are shown. */
  loaded: Promise<number>;
  /** Shows the names of the parties and the words again: messages may arrive before the names are known. */
  refresh(): void;
}

/** Shows the messages and the form to write one. */
export function showConversation(
  chat: Chat,
  { party, nameOf, writesWhenStopped }: Reader,
  parts: ConversationParts,
  said: ConversationWords,
): Conversation {
  const { list, log } = parts;
  const items = new Map<string, HTMLLIElement>();
  const none = make("li", { class: "none" }, said.words().noMessages);
  list.replaceChildren(none);
  const changeLog = keepEndInSight(log);
  /** The instant of the party's last message. */
  let lastOwn: string | null = null;
  let maySend = false;

  function place(message: Message): void {
    const key = `${message.sender}:${message.client_id}`;
    const known = items.get(key);
    const item = known ?? make("li");
    item.className = message.sender === party ? "own" : "other";
    item.dataset.position = String(message.position);
    fill(item, message.text, said.moment(message.at), message.sender);
    items.set(key, item);
    none.remove();
    if (message.sender === party && !(lastOwn && lastOwn > message.at)) lastOwn = message.at;
    showWriting();
    changeLog(() => {
      const last = list.lastElementChild as HTMLElement | null;
      const later =
        last && isLater(last, message.position)
          ? [...list.children].find((child) => isLater(child as HTMLElement, message.position))
          : undefined;
      if (!known || item.nextElementSibling !== (later ?? null)) list.insertBefore(item, later ?? null);
    });
  }

  function fill(item: HTMLElement, text: string, when: string, sender: Party | null): void {
    const who = make("span", { class: party === null ? "who" : "unseen", "data-sender": sender ?? "" });
    showSender(who);
    item.replaceChildren(who, make("span", { class: "text", dir: "auto" }, text), make("small", {}, when));
  }

  /** Lets the party send, or says why not. The party may go on writing what can be sent later. */
  function showWriting(): void {
    const { snapshot } = chat;
    const freely = writesWhenStopped();
    // A person who can no longer write is not typing.
    if (!freely && snapshot?.record?.state !== "running") setText(parts.typing, "");
    if (party === null) return;
    const { most, why } = freely || !snapshot ? FREELY : writingOf(snapshot, party, lastOwn);
    maySend = most > 0 && (freely || snapshot !== null);
    // A field that is disabled would lose the focus, and the letters of a person who is typing.
    for (const button of parts.composer.querySelectorAll("button")) button.disabled = !maySend;
    if (most > 0) parts.field.maxLength = most;
    parts.why.hidden = why === null;
    setText(parts.why, why === null ? "" : filled(said.words()[why], { count: String(most) }));
  }

  function showSender(who: HTMLElement): void {
    const sender = who.dataset.sender as Party;
    setText(who, `${sender === party ? said.words().you : nameOf(sender)}: `);
  }

  async function send(text: string, clientId: string): Promise<void> {
    const key = `${party ?? ""}:${clientId}`;
    const item = items.get(key) ?? make("li");
    items.set(key, item);
    item.className = "own pending";
    fill(item, text, said.words().sending, party);
    none.remove();
    list.append(item);
    log.scrollTop = log.scrollHeight;
    try {
      place(await chat.sendMessage(text, clientId));
    } catch (error) {
      // The live channel may have brought the message all the same.
      if (item.dataset.position) return;
      item.className = "own failed";
      fill(item, text, said.problem(error), party);
      const click = () => void send(text, clientId);
      item.append(make("button", { type: "button", click }, said.words().sendAgain));
    }
  }

  chat.onMessage((message) => {
    place(message);
    if (message.sender !== party) setText(parts.typing, "");
  });
  showTyping(chat, party, parts.typing, (party) => filled(said.words().typing, { name: nameOf(party) }));
  chat.subscribe(showWriting);
  compose(
    chat,
    party,
    parts,
    () => maySend,
    (text) => void send(text, randomId()),
  );
  async function load(): Promise<number> {
    const page = await chat.messagesBefore();
    for (const message of page.messages) place(message);
    log.scrollTop = log.scrollHeight;
    loadEarlierOnScroll(chat, log, page.next, place);
    return page.messages.at(-1)?.position ?? 0;
  }

  return {
    loaded: load(),
    refresh: () => {
      list.querySelectorAll<HTMLElement>("[data-sender]").forEach(showSender);
      showWriting();
    },
  };
}

/** Requests the page before the earliest messages when the reader comes near them. What is in sight stays where it is. */
function loadEarlierOnScroll(
  chat: Chat,
  log: HTMLElement,
  next: string | null,
  place: (message: Message) => void,
): void {
  let isLoading = false;
  const load = async (): Promise<void> => {
    if (next === null || isLoading || log.scrollTop > NEAR_BEGINNING_PX) return;
    isLoading = true;
    try {
      const page = await chat.messagesBefore(next);
      const fromEnd = log.scrollHeight - log.scrollTop;
      for (const message of page.messages) place(message);
      log.scrollTop = log.scrollHeight - fromEnd;
      next = page.next;
    } catch {
      // The next scroll tries again.
    } finally {
      isLoading = false;
    }
  };
  log.addEventListener("scroll", () => void load());
  void load();
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
  let top = 0;
  const toEnd = () => {
    if (atEnd) log.scrollTop = log.scrollHeight;
    top = log.scrollTop;
  };
  log.addEventListener("scroll", () => {
    const isNearEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    // Only a reader moves the log up. A log that has just shrunk is further from its end, and stays where it is.
    if (isNearEnd || log.scrollTop < top) atEnd = isNearEnd;
    top = log.scrollTop;
  });
  new ResizeObserver(toEnd).observe(log);
  return (change) => {
    change();
    toEnd();
  };
}

function showTyping(
  chat: Chat,
  party: Party | null,
  line: HTMLElement,
  words: (sender: Party) => string,
): void {
  let hide: ReturnType<typeof setTimeout> | undefined;
  chat.onTyping((sender) => {
    if (sender === party) return;
    setText(line, words(sender));
    clearTimeout(hide);
    hide = setTimeout(() => setText(line, ""), TYPING_SHOWN_MS);
  });
}

function compose(
  chat: Chat,
  party: string | null,
  { composer: form, field }: ConversationParts,
  maySend: () => boolean,
  send: (text: string) => void,
): void {
  form.hidden = party === null;
  field.disabled = false; // without this script the form would send the text in an address
  let sentAt = -TYPING_SENT_MS;
  field.addEventListener("input", () => {
    if (!maySend() || performance.now() - sentAt < TYPING_SENT_MS || field.value.trim() === "") return;
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
    if (text === "" || !maySend()) return;
    field.value = "";
    sentAt = -TYPING_SENT_MS;
    send(text);
    field.focus();
  });
}
