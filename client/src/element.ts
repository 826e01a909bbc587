/** `<talk-time>`: the timer on a page. How to use and style it is in README.md. */

import type { Chat } from "./chat.ts";
import { countdown, stopwatch } from "./core/digits.ts";
import type { Frame, Problem, Reading } from "./core/types.ts";
import type { TokenSource } from "./request.ts";
import { remark } from "./speech.ts";
import { connect, type Talktime } from "./talktime.ts";

const UNKNOWN = "--:--";

const STYLE = `
:host { display: inline-flex; flex-wrap: wrap; align-items: baseline; gap: var(--talk-time-gap, 0.75em); font-variant-numeric: tabular-nums; }
:host([hidden]), [hidden] { display: none; }
:host([state="syncing"]) [part~="digits"], :host([state="reconnecting"]) [part~="digits"] { opacity: var(--talk-time-dim, 0.6); }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--talk-time-accent, currentColor); border-radius: 0.4em; padding: 0.2em 0.7em; cursor: pointer; }
.aloud { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;

type Part = "elapsed" | "credits" | "free" | "topup";

/** A server that renders the page may load this too: it has no elements, and makes none. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? class {};

export class TalkTimeElement extends Base {
  static readonly observedAttributes = ["chat-id", "src", "show"];

  readonly #parts: Record<Part | "aloud", HTMLElement>;
  #chat: Chat | null = null;
  #token: TokenSource | null = null;
  /** The connection the element made for itself, when it was given attributes instead of a chat. */
  #own: Talktime | null = null;
  #stop: (() => void) | null = null;
  #before: Frame | null = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    // A style element would be refused by a strict content security policy; a constructed sheet is not.
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
    topup.textContent = "Top up";
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
    this.#follow();
  }

  /** Answers a token of the service: for an element that is given `chat-id` instead of `chat`. */
  get token(): TokenSource | null {
    return this.#token;
  }

  set token(token: TokenSource | null) {
    this.#token = token;
    this.#connect();
  }

  /** What is shown, at the moment it is read. */
  get reading(): Reading {
    return (
      this.#chat?.reading() ?? {
        elapsedMs: null,
        errorMs: Number.POSITIVE_INFINITY,
        state: "syncing",
        balance: null,
      }
    );
  }

  connectedCallback(): void {
    if (!this.hasAttribute("role")) this.setAttribute("role", "timer");
    if (!this.hasAttribute("state")) this.setAttribute("state", "syncing");
    this.#arrange();
    if (this.#chat) this.#follow();
    else this.#connect();
  }

  disconnectedCallback(): void {
    this.#stop?.();
    this.#stop = null;
    this.#release();
  }

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (name === "show") this.#arrange();
    else if (before !== value) this.#connect();
  }

  #connect(): void {
    const chatId = this.getAttribute("chat-id");
    if (!this.isConnected) return;
    if (this.#own) {
      this.#release();
      this.#follow();
    }
    if (!this.#token || !chatId) return;
    const src = this.getAttribute("src");
    this.#own = connect({ token: this.#token, ...(src ? { url: src } : {}) });
    this.#chat = this.#own.watch(chatId);
    this.#follow();
  }

  /** Closes what the element opened itself; a chat it was given belongs to the host. */
  #release(): void {
    if (!this.#own) return;
    this.#own.close();
    this.#own = null;
    this.#chat = null;
  }

  #follow(): void {
    this.#stop?.();
    this.#stop = null;
    this.#before = null;
    const chat = this.#chat;
    if (chat && this.isConnected) {
      const stops = [
        chat.onFrame((frame) => this.#paint(frame)),
        chat.onProblem((problem) => this.#tell(problem)),
      ];
      this.#stop = () => {
        for (const stop of stops) stop();
      };
    } else if (!chat) this.#clear();
  }

  /** The page hears why there is nothing to show, or what was refused. */
  #tell(detail: Problem): void {
    this.dispatchEvent(new CustomEvent("problem", { detail, bubbles: true, composed: true }));
  }

  /** Shows no chat's digits. */
  #clear(): void {
    this.#mark("state", "syncing");
    this.#mark("reason", null);
    this.removeAttribute("paid");
    write(this.#parts.elapsed, UNKNOWN);
    for (const part of ["credits", "free", "aloud"] as const) write(this.#parts[part], "");
  }

  #paint(frame: Frame): void {
    this.#mark("state", frame.state);
    this.#mark("reason", frame.reason);
    this.toggleAttribute("paid", frame.snapshot !== null && frame.freeMs === 0);
    const { elapsed, credits, free, aloud } = this.#parts;
    write(elapsed, frame.reason === "timer_failed" ? "starting…" : digits(frame));
    write(credits, frame.balance ?? "");
    write(free, frame.snapshot ? countdown(frame.freeMs) : "");
    const words = this.#before && remark(this.#before, frame);
    if (words) aloud.textContent = words;
    this.#before = frame;
  }

  /** Sets an attribute, or removes it, only where that changes something: pages watch them. */
  #mark(name: string, value: string | null): void {
    if (this.getAttribute(name) === value) return;
    if (value === null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }

  /** Hides what the attribute `show` does not name. */
  #arrange(): void {
    const shown = this.getAttribute("show")?.split(/\s+/);
    for (const part of ["elapsed", "credits", "free", "topup"] as const)
      this.#parts[part].hidden = shown !== undefined && !shown.includes(part);
  }
}

function digits({ elapsedMs }: Frame): string {
  return elapsedMs === null ? UNKNOWN : stopwatch(elapsedMs);
}

/** Leaves the page alone when nothing changed. */
function write(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

declare global {
  interface HTMLElementTagNameMap {
    "talk-time": TalkTimeElement;
  }
}

if (globalThis.customElements && !customElements.get("talk-time"))
  customElements.define("talk-time", TalkTimeElement);
