/** `<talk-time>`: the timer on a page. README.md says how to use and style it. */

import type { Chat } from "./chat.ts";
import { countdown, stopwatch } from "./core/digits.ts";
import type { Frame, Problem, Reading } from "./core/types.ts";
import { setText } from "./dom.ts";
import { amountText } from "./money.ts";
import type { TokenSource } from "./request.ts";
import { announcement } from "./speech.ts";
import { connect, type Talktime } from "./talktime.ts";
import { languageOf, wordsChanged, wordsOf } from "./words.ts";

const UNKNOWN = "--:--";

const STYLE = `
:host { display: inline-flex; flex-wrap: wrap; align-items: baseline; gap: var(--talk-time-gap, 0.75em); font-variant-numeric: tabular-nums }
:host([hidden]), [hidden] { display: none }
:host([state="syncing"]) [part~="digits"], :host([state="reconnecting"]) [part~="digits"] { opacity: var(--talk-time-dim, 0.7) }
:host([labels]) [data-label]:not(:empty)::before { content: attr(data-label) "\\a0"; font-size: 0.8em; font-weight: normal }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--talk-time-accent, currentColor); border-radius: 0.4em; padding: 0.2em 0.7em; cursor: pointer }
.aloud { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
`;

type Part = "elapsed" | "credits" | "free" | "topup";

/** A server that renders pages may load this module: it has no HTMLElement, and makes no element. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? class {};

export class TalkTimeElement extends Base {
  static readonly observedAttributes = [
    "chat-id",
    "src",
    "show",
    "observe",
    "of",
    "labels",
    "lang",
    "currency",
  ];

  readonly #parts: Record<Part | "aloud", HTMLElement>;
  #chat: Chat | null = null;
  #token: TokenSource | null = null;
  /** The connection that the element opened itself, when it was given attributes instead of a chat. */
  #ownConnection: Talktime | null = null;
  #unsubscribe: (() => void) | null = null;
  #lastFrame: Frame | null = null;
  /** Ends what the element does, if the element is not back in the page by then: it may only have moved. */
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #stopWords: (() => void) | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    // A strict content security policy refuses a style element, but not a constructed sheet.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const part = (name: Part, tag = "span") => {
      const element = document.createElement(tag);
      element.setAttribute("part", tag === "span" ? `${name} digits` : name);
      element.dataset.role = name;
      return element;
    };
    const aloud = document.createElement("span");
    aloud.className = "aloud";
    aloud.setAttribute("aria-live", "polite");
    const topup = part("topup", "button");
    topup.setAttribute("type", "button");
    topup.addEventListener("click", () =>
      this.dispatchEvent(new CustomEvent("topup", { bubbles: true, composed: true })),
    );
    this.#parts = { elapsed: part("elapsed"), credits: part("credits"), free: part("free"), topup, aloud };
    this.#parts.elapsed.textContent = UNKNOWN;
    root.append(...Object.values(this.#parts));
  }

  /** The chat to show, from `talktime.watch()`. */
  get chat(): Chat | null {
    return this.#chat;
  }

  set chat(chat: Chat | null) {
    this.#release();
    this.#chat = chat;
    this.#subscribe();
  }

  /** Returns a token of the service, for an element that has `chat-id` instead of `chat`. */
  get token(): TokenSource | null {
    return this.#token;
  }

  set token(token: TokenSource | null) {
    this.#token = token;
    this.#connect();
  }

  /** What is shown at this moment. */
  get reading(): Reading {
    const frame = this.#chat?.frame();
    if (!frame)
      return { elapsedMs: null, errorMs: Number.POSITIVE_INFINITY, state: "syncing", balance: null };
    const { errorMs, state, balance } = frame;
    return { elapsedMs: this.#elapsedMs(frame), errorMs, state, balance };
  }

  connectedCallback(): void {
    clearTimeout(this.#leaving);
    takeEarly(this, ["token", "chat"]);
    if (!this.hasAttribute("role")) this.setAttribute("role", "timer");
    if (!this.hasAttribute("state")) this.setAttribute("state", "syncing");
    this.#showParts();
    this.#showWords();
    this.#stopWords ??= wordsChanged.listen(() => this.#showWords());
    if (!this.#chat) this.#connect();
    else if (!this.#unsubscribe) this.#subscribe();
  }

  disconnectedCallback(): void {
    this.#leaving = setTimeout(() => {
      this.#unsubscribe?.();
      this.#unsubscribe = null;
      this.#stopWords?.();
      this.#stopWords = null;
      this.#release();
    });
  }

  /** A page that moves the element with `moveBefore` changes nothing here. */
  connectedMoveCallback(): void {}

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return;
    if (name === "show") this.#showParts();
    else if (name === "lang" || name === "currency") this.#showWords();
    else if (name === "of") this.#chat?.refresh();
    // Only the style sheet looks at `labels`.
    else if (name !== "labels") this.#connect();
  }

  #connect(): void {
    const chatId = this.getAttribute("chat-id");
    if (this.#ownConnection) {
      this.#release();
      this.#subscribe();
    }
    if (!this.isConnected || !this.#token || !chatId) return;
    const src = this.getAttribute("src");
    try {
      this.#ownConnection = connect({ token: this.#token, ...(src ? { url: src } : {}) });
    } catch (cause) {
      const title = "The address of the service can't be used";
      const problem = {
        title,
        status: 0,
        code: "unreachable",
        detail: `src="${src ?? ""}": ${String(cause)}`,
      };
      // The page may add its listener after the attribute.
      queueMicrotask(() => this.#dispatchProblem(problem));
      return;
    }
    this.#chat = this.#ownConnection.watch(chatId, { presence: !this.hasAttribute("observe") });
    this.#subscribe();
  }

  /** Closes the connection that the element opened itself; a chat that was given belongs to the host. */
  #release(): void {
    if (!this.#ownConnection) return;
    this.#ownConnection.close();
    this.#ownConnection = null;
    this.#chat = null;
  }

  #subscribe(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = null;
    this.#lastFrame = null;
    const chat = this.#chat;
    if (chat && this.isConnected) {
      const stops = [
        chat.onFrame((frame) => this.#paint(frame)),
        chat.onProblem((problem) => this.#dispatchProblem(problem)),
      ];
      this.#unsubscribe = () => {
        for (const stop of stops) stop();
      };
    } else if (!chat) this.#clear();
  }

  /** Tells the page why there is nothing to show, or what was refused. */
  #dispatchProblem(detail: Problem): void {
    this.dispatchEvent(new CustomEvent("problem", { detail, bubbles: true, composed: true }));
  }

  /** Shows that there is no chat. */
  #clear(): void {
    this.#setAttribute("state", "syncing");
    this.#setAttribute("reason", null);
    this.removeAttribute("paid");
    setText(this.#parts.elapsed, UNKNOWN);
    for (const part of ["credits", "free", "aloud"] as const) setText(this.#parts[part], "");
  }

  #paint(frame: Frame): void {
    this.#setAttribute("state", frame.state);
    this.#setAttribute("reason", frame.reason);
    this.toggleAttribute("paid", frame.snapshot !== null && frame.freeMs === 0);
    const { elapsed, credits, free, aloud } = this.#parts;
    const words = wordsOf(languageOf(this));
    setText(elapsed, frame.reason === "timer_failed" ? words.starting : digits(this.#elapsedMs(frame)));
    setText(credits, this.#money(frame.balance));
    setText(free, frame.snapshot?.allowance_ms ? countdown(frame.freeMs) : "");
    const news = this.#lastFrame && announcement(this.#lastFrame, frame);
    // What was said stays no longer than it is true.
    const isOver = this.#lastFrame?.state !== frame.state && /^(running|paused)$/.test(frame.state);
    if (news || isOver) setText(aloud, news ? words[news] : "");
    this.#lastFrame = frame;
  }

  /** The time that the element shows: the record's, to which cost and credits belong, or with `of="chat"` the chat's. */
  #elapsedMs({ elapsedMs, chatElapsedMs }: Frame): number | null {
    return this.getAttribute("of") === "chat" ? chatElapsedMs : elapsedMs;
  }

  /** Sets or removes an attribute only where that is a change: pages observe attributes. */
  #setAttribute(name: string, value: string | null): void {
    if (this.getAttribute(name) === value) return;
    if (value === null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  /** The credit in the currency of the attribute `currency`; credits without one, or where it is no currency. */
  #money(balance: string | null): string {
    if (balance === null) return "";
    try {
      return amountText(balance, this.getAttribute("currency"), languageOf(this));
    } catch {
      return balance;
    }
  }

  /** Shows the words of the element's language. */
  #showWords(): void {
    const words = wordsOf(languageOf(this));
    setText(this.#parts.topup, words.topUp);
    for (const part of ["elapsed", "credits", "free"] as const) this.#parts[part].dataset.label = words[part];
    if (this.#lastFrame) this.#paint(this.#lastFrame);
  }

  /** Hides the parts that the attribute `show` does not name. */
  #showParts(): void {
    const names = this.getAttribute("show")?.split(/\s+/);
    for (const part of ["elapsed", "credits", "free", "topup"] as const)
      this.#parts[part].hidden = names !== undefined && !names.includes(part);
  }
}

/** Takes the properties that a page set before the module was loaded, when the element was nothing special yet. */
export function takeEarly<E extends HTMLElement>(element: E, names: readonly (keyof E & string)[]): void {
  for (const name of names) {
    if (!Object.hasOwn(element, name)) continue;
    const early = { [name]: element[name] };
    delete (element as Partial<E>)[name];
    Object.assign(element, early);
  }
}

function digits(elapsedMs: number | null): string {
  return elapsedMs === null ? UNKNOWN : stopwatch(elapsedMs);
}

declare global {
  interface HTMLElementTagNameMap {
    "talk-time": TalkTimeElement;
  }
}

if (globalThis.customElements && !customElements.get("talk-time"))
  customElements.define("talk-time", TalkTimeElement);
