/** `<talk-chat>`: a whole conversation as one element: the meter, what a person can do, the messages and the form. */

import type { Chat } from "../chat.ts";
import { stopwatch } from "../core/digits.ts";
import { credits, micros, price } from "../core/price.ts";
import type { ConversationRecord, Credits, Frame, Party, Role, Snapshot } from "../core/types.ts";
import { make, setText } from "../dom.ts";
import { type TalkTimeElement, takeEarly } from "../element.ts";
import { amountText } from "../money.ts";
import { RequestProblem, type TokenSource } from "../request.ts";
import { filled, languageOf, type Words, wordsChanged, wordsOf } from "../words.ts";
import {
  actsOf,
  beginsRecord,
  firstDue,
  graceEndMs,
  hasMoved,
  heldMicros,
  isPaidSoon,
  lastsOnlyMs,
  missingCredit,
} from "./acts.ts";
import { ask } from "./ask.ts";
import { conflictText } from "./conflict.ts";
import { type Conversation, showConversation } from "./conversation.ts";
import { absentee, isAbsence, isHere, neverCame } from "./presence.ts";
import { agreesToStop } from "./stop.ts";
import { STYLE } from "./style.ts";
import { pauseSurely, stopSurely } from "./surely.ts";
import "./words.ts";

const ACTS = ["start", "accept", "decline", "pause", "resume", "stop"] as const;
/** What the element hands to the timer in it, which opens the connection. */
const PASSED_ON = ["chat-id", "src", "currency", "lang"];

/** A time of the day names an instant only within a day. */
const DAY_MS = 86_400_000;

type Act = (typeof ACTS)[number];

const Base: typeof HTMLElement = globalThis.HTMLElement ?? class {};

export class TalkChatElement extends Base {
  static readonly observedAttributes = [
    "chat-id",
    "src",
    "party",
    "lang",
    "currency",
    "messages-when-stopped",
  ];

  readonly #time = document.createElement("talk-time") as TalkTimeElement;
  readonly #status = make("p", { part: "status", role: "status" });
  readonly #cost = make("p", { part: "cost" });
  readonly #problem = make("p", { part: "problem", role: "alert", hidden: true });
  readonly #buttons = Object.fromEntries(
    ACTS.map((act) => [act, make("button", { type: "button", part: act, hidden: true })]),
  ) as Record<Act, HTMLButtonElement>;
  readonly #talk = make("section", { part: "talk" });
  #chat: Chat | null = null;
  #conversation: Conversation | null = null;
  /** The state that was shown last, to notice a change. */
  #shown = "";
  #stops: (() => void)[] = [];
  #leaving: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#time.setAttribute("part", "time");
    this.#time.setAttribute("labels", "");
    this.#time.setAttribute("show", "elapsed");
    for (const act of ACTS)
      this.#buttons[act].addEventListener("click", () => void this.#perform(this.#buttons[act], act));
    const acts = make("div", { part: "acts" }, ...Object.values(this.#buttons));
    root.append(
      make("section", { part: "meter" }, this.#time, this.#cost, this.#status, acts),
      this.#problem,
      this.#talk,
    );
  }

  /** Returns a token of the service for the person of the page. */
  get token(): TokenSource | null {
    return this.#time.token;
  }

  set token(token: TokenSource | null) {
    this.#time.token = token;
    this.#follow();
  }

  connectedCallback(): void {
    clearTimeout(this.#leaving);
    takeEarly(this, ["token"]);
    // The timer in this element is back in the page after this element.
    queueMicrotask(() => this.#follow());
  }

  disconnectedCallback(): void {
    this.#leaving = setTimeout(() => this.#leave());
  }

  /** A page that moves the element with `moveBefore` changes nothing here. */
  connectedMoveCallback(): void {}

  attributeChangedCallback(name: string, before: string | null, value: string | null): void {
    if (before === value) return;
    if (PASSED_ON.includes(name)) {
      if (value === null) this.#time.removeAttribute(name);
      else this.#time.setAttribute(name, value);
    }
    this.#follow();
    if (this.#chat) this.#show(this.#chat.frame());
  }

  get #party(): Party {
    return this.getAttribute("party") === "advisor" ? "advisor" : "user";
  }

  get #words(): Words {
    return wordsOf(languageOf(this));
  }

  /** Shows the chat that the timer has now. */
  #follow(): void {
    const chat = this.isConnected ? this.#time.chat : null;
    if (chat === this.#chat) return;
    this.#leave();
    this.#chat = chat;
    if (!chat) return;
    setText(this.#status, this.#words.connecting);
    this.#stops = [
      chat.onFrame((frame) => this.#show(frame)),
      chat.subscribe((frame) => this.#show(frame)),
      chat.onProblem((problem) => this.#showProblem(new RequestProblem(problem))),
      wordsChanged.listen(() => this.#show(chat.frame())),
    ];
    this.#openConversation(chat);
  }

  #leave(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#chat = null;
    this.#conversation = null;
    this.#talk.replaceChildren();
    this.#status.textContent = "";
    this.#cost.textContent = "";
    for (const button of Object.values(this.#buttons)) button.hidden = true;
  }

  #openConversation(chat: Chat): void {
    const words = this.#words;
    const list = make("ol");
    const log = make("div", { part: "log", role: "log", tabindex: "0", "aria-label": words.messages }, list);
    const typing = make("p", { part: "typing" });
    const field = make("textarea", {
      part: "field",
      rows: "1",
      dir: "auto",
      placeholder: words.writeMessage,
      "aria-label": words.yourMessage,
    });
    const why = make("p", { part: "why", hidden: true });
    const send = make("button", { part: "send" }, words.send);
    const composer = make("form", { part: "composer" }, why, field, send);
    this.#talk.replaceChildren(log, typing, composer);
    this.#conversation = showConversation(
      chat,
      {
        party: this.#party,
        nameOf: (party) => this.#words[party],
        writesWhenStopped: () => this.getAttribute("messages-when-stopped") === "allow",
      },
      { log, list, typing, composer, field, why },
      {
        words: () => this.#words,
        moment: (at) => this.#instant(Date.parse(at), { dateStyle: "short", timeStyle: "short" }),
        problem: (error) => this.#problemText(error),
      },
    );
    this.#conversation.loaded.catch((error: unknown) => this.#showProblem(error));
  }

  #show(frame: Frame): void {
    const { snapshot } = frame;
    if (!snapshot) return;
    const words = this.#words;
    this.#conversation?.refresh();
    // The record's numbers go on in another chat: only the chat's own time stays right.
    const moved = hasMoved(snapshot);
    const held = this.#party === "user" ? heldMicros(frame, snapshot) : 0n;
    const statuses = [
      statusOf(frame, snapshot, words, this.#party, (amount) => this.#money(amount)),
      held > 0n ? filled(words.held, { amount: this.#money(credits(held)) }) : "",
      moved ? "" : this.#until(frame),
      snapshot.timer.running && snapshot.also_running?.length ? words.otherRuns : "",
      this.#presence(frame),
    ];
    setText(this.#status, statuses.filter(Boolean).join(" · "));
    this.#time.setAttribute("of", moved ? "chat" : "record");
    // Where nothing was free, nothing free is left; after the end, another chat of the pair may have used the rest. An
    // advisor sees neither the user's credit nor a button to top it up.
    const free = snapshot.allowance_ms && frame.state !== "ended" ? "free " : "";
    const parts = `elapsed ${free}${this.#party === "user" ? "credits topup" : ""}`;
    this.#time.setAttribute("show", moved ? "elapsed" : parts);
    // A host that shares nothing with its advisors is the one who earns.
    const { earned } = frame;
    const share = earned && Number(earned) ? ` · ${words.earned} ${this.#money(earned)}` : "";
    setText(this.#cost, moved ? "" : `${words.cost} ${this.#money(frame.cost)}${share}`);
    const acts = actsOf(snapshot, this.#party);
    const focused = this.shadowRoot?.activeElement;
    for (const act of ACTS) {
      const button = this.#buttons[act];
      button.hidden = !acts[act];
      setText(button, words[act === "start" ? (acts.start ?? "start") : act]);
    }
    if (focused instanceof HTMLButtonElement && focused.hidden) this.#focusNext();
    // A refusal is over once the account or the record is in another state.
    const now = `${frame.state} ${snapshot.sequence}`;
    if (now !== this.#shown) this.#showProblem(null);
    this.#shown = now;
  }

  /** Moves the focus from a button that has gone to what takes its place. */
  #focusNext(): void {
    const next = ACTS.map((act) => this.#buttons[act]).find(({ hidden }) => !hidden);
    (next ?? this.#talk.querySelector<HTMLElement>("[part=log]"))?.focus();
  }

  /** Does what a button is for; the button does nothing else meanwhile, and a failure is shown. */
  async #perform(button: HTMLButtonElement, act: Act): Promise<void> {
    const chat = this.#chat;
    if (!chat || button.ariaDisabled === "true") return;
    // A button that is really disabled would lose the focus.
    button.ariaDisabled = "true";
    this.#showProblem(null);
    try {
      const recordId = chat.snapshot?.record?.id;
      const told = (isLate: boolean) =>
        this.#tell(isLate ? filled(this.#words.doneLater, { act: this.#words[act] }) : null);
      if (act === "start") await this.#start(chat);
      else if (act === "pause") await pauseSurely(chat, told);
      else if (act !== "stop") await chat[act]();
      else if (await this.#agreesToStop(chat)) await stopSurely(chat, recordId, told);
    } catch (error) {
      this.#showProblem(error);
    } finally {
      button.ariaDisabled = "false";
    }
  }

  /** Starts. Before a new record that will cost something, the user agrees to exactly this tariff. */
  async #start(chat: Chat, brings = false): Promise<void> {
    const { snapshot } = chat;
    if (!snapshot || !beginsRecord(snapshot)) {
      await chat.start({ recordId: snapshot?.record?.id });
      return;
    }
    // The record may begin here, or come here, while the person thinks.
    const whileWanted = (text: string) => () => (chat.snapshot && !beginsRecord(chat.snapshot) ? null : text);
    const offer = await chat.offer().catch((error: unknown) => {
      if (error instanceof RequestProblem && error.problem.status === 409) return null;
      throw error;
    });
    if (!offer) {
      // The two have gone on in another chat since: their record comes here.
      const { elsewhere, continueHere, notNow } = this.#words;
      const question = { title: continueHere, text: whileWanted(elsewhere), yes: continueHere, no: notNow };
      if (brings) await chat.start();
      // If their record has ended while the user thought, the user is asked for the price.
      else if (await this.#ask(question)) await this.#start(chat, true);
      return;
    }
    const { tariff } = offer;
    const first = firstDue(offer);
    const cost = price(tariff, 600_000, { grace: false }).micros;
    // The element shows no price elsewhere, so it asks before free time as well.
    if (first.micros + cost > 0n) {
      const words = this.#words;
      const yes = isPaidSoon(offer) ? words.startPaidTime : words.start;
      const lasts = lastsOnlyMs(offer);
      if (lasts === 0) {
        this.#tell(words.notEnoughCredit);
        return;
      }
      const due = filled(first.seconds ? words.askStartAfter : words.askStartText, {
        amount: this.#money(credits(first.micros)),
        time: stopwatch(1000 * first.seconds),
      });
      const parts = [
        first.micros ? due : "",
        // Where the record ends at a maximum before 10 minutes, nobody ever pays what 10 minutes cost.
        tariff.at_max_cost === "stop" && tariff.max_cost && cost > micros(tariff.max_cost)
          ? filled(words.endsBefore, { cost: this.#money(tariff.max_cost) })
          : filled(words.tenMinutes, { cost: this.#money(credits(cost)) }),
        lasts === null ? "" : filled(words.creditLasts, { time: stopwatch(lasts) }),
      ];
      const text = whileWanted(parts.join(" ").trim());
      if (!(await this.#ask({ title: yes, text, yes, no: words.notNow }))) return;
    }
    await chat.start({ offerVersion: offer.version });
  }

  #agreesToStop(chat: Chat): Promise<boolean> {
    return agreesToStop(chat, this.#words, (amount) => this.#money(amount), this.shadowRoot as Node);
  }

  #ask(question: Parameters<typeof ask>[0]): Promise<boolean> {
    return ask(question, this.shadowRoot as Node);
  }

  /** Whether the other party is there, where that is known. */
  #presence(frame: Frame): string {
    const words = this.#words;
    const other = this.#party === "user" ? "advisor" : "user";
    const here = isHere(frame, other);
    return here === null || (here && frame.state === "running")
      ? ""
      : filled(here ? words.here : words.notHere, { name: words[other] });
  }

  /** Until when the running time can go on, or the record waits for credit, if that is within a day. */
  #until({ at, endsAt, rechargeMs }: Frame): string {
    const until = rechargeMs === null || at === null ? endsAt : at + rechargeMs;
    if (at === null || until === null || until - at > DAY_MS) return "";
    return filled(this.#words.until, { time: this.#instant(until, { timeStyle: "short" }) });
  }

  #instant(at: number, style: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(languageOf(this), style).format(at);
  }

  #money(amount: string): string {
    try {
      return amountText(amount, this.getAttribute("currency"), languageOf(this));
    } catch {
      return amount;
    }
  }

  /** Shows a failure, or hides the last one with null. */
  #showProblem(error: unknown): void {
    this.#tell(error === null ? null : this.#problemText(error));
  }

  #tell(text: string | null): void {
    this.#problem.hidden = text === null;
    setText(this.#problem, text ?? "");
  }

  #problemText(error: unknown): string {
    const words = this.#words;
    if (!(error instanceof RequestProblem)) return words.refused;
    const { status, code } = error.problem;
    if (code === "insufficient_credit") return words.notEnoughCredit;
    if (status === 0 || status >= 500) return words.unreachable;
    if (status === 401) return words.signedOut;
    if (status === 404) return words.notFound;
    if (status === 429) return words.tooMany;
    return (status === 409 ? conflictText(error.problem, this.#party, words) : null) ?? words.refused;
  }
}

/** What the timer does, or why it does not run. */
function statusOf(
  frame: Frame,
  snapshot: Snapshot,
  words: Words,
  party: Party,
  money: (amount: Credits) => string,
): string {
  const { record } = snapshot;
  if (frame.state === "reconnecting") return words.connecting;
  if (record === null) return words.notStarted;
  if (record.state === "ended") return endOf(snapshot, record, words, party);
  if (hasMoved(snapshot)) return words.elsewhere;
  if (record.state === "requested") return party === "advisor" ? words.called : words.calling;
  if (record.state === "running") {
    const graceMs = graceEndMs(frame, snapshot);
    if (graceMs !== null) return filled(words.graceUntil, { time: stopwatch(graceMs) });
    return frame.freeMs ? words.freeTime : frame.billedMs ? words.paidTime : "";
  }
  const { reason } = record;
  if (reason === "out_of_credit") {
    const missing = missingCredit(snapshot); // null for an advisor, who does not see the credit
    const [says, helps] =
      missing === null
        ? [words.outOfCredit, words.topUpLets]
        : missing > 0n
          ? [words.outOfCredit, filled(words.topUpAtLeast, { amount: money(credits(missing)) })]
          : [words.creditAgain, words.pressResume];
    // Neither lets it go on while the advisor is not there.
    return party === "user" && snapshot.presence?.advisor === false ? says : `${says} ${helps}`;
  }
  if (!isAbsence(reason)) return actText(record.paused_by, party, words, "Paused") ?? words.paused;
  const absent = absentee({ reason, presence: snapshot.presence }, party);
  if (party === "user" && absent === "advisor" && snapshot.elapsed_ms === 0) return words.waiting;
  return filled(words.away, { name: words[absent] });
}

function endOf(snapshot: Snapshot, record: ConversationRecord, words: Words, party: Party): string {
  const { reason, decline_reason: why, ended_by, starts } = record;
  const neverRan = snapshot.elapsed_ms === 0;
  const isCall = neverRan && starts === "accepted";
  const declined = why ? filled(words.declinedWhy, { why }) : words.declined;
  const didNotCome =
    party === "advisor" ? words.youDidNotCome : filled(words.didNotCome, { name: words.advisor });
  const code = reason ?? "";
  const titles: Partial<Record<string, string | null>> = {
    declined: ended_by === party ? words.youDeclined : declined,
    missed: party === "advisor" ? words.youMissed : words.missed,
    stopped: actText(ended_by, party, words, isCall ? "Cancelled" : "Ended"),
  };
  const whys: Partial<Record<string, string>> = {
    abandoned: neverCame(snapshot) ? didNotCome : words.abandoned,
    out_of_credit: words.creditsOut,
    max_cost: words.maximumReached,
  };
  const parts = [titles[code] ?? words.ended, whys[code], neverRan && words.nothingCharged];
  return parts.filter(Boolean).join(" · ");
}

/** Says whose act it was, such as `youEnded` or `otherEnded`; null where it was neither of the two people. */
function actText(
  by: Role | null,
  party: Party,
  words: Words,
  act: "Cancelled" | "Ended" | "Paused",
): string | null {
  if (by !== "user" && by !== "advisor") return null;
  return by === party ? words[`you${act}`] : filled(words[`other${act}`], { name: words[by] });
}

declare global {
  interface HTMLElementTagNameMap {
    "talk-chat": TalkChatElement;
  }
}

if (globalThis.customElements && !customElements.get("talk-chat"))
  customElements.define("talk-chat", TalkChatElement);
