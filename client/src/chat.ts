/** A chat that is watched: its facts, its numbers at any instant, its messages, and the acts of a person. */

import type { Connection } from "./connection.ts";
import { instant, type Measure, measure } from "./core/meter.ts";
import { credits, pricing } from "./core/price.ts";
import { share } from "./core/share.ts";
import type {
  Credits,
  Frame,
  Instant,
  Message,
  MessagePage,
  Offer,
  Problem,
  Reading,
  ServerMessage,
  Snapshot,
  TimerState,
} from "./core/types.ts";
import { AHEAD_MS, Painter } from "./painter.ts";
import { encodeId, type Request, RequestProblem, randomId } from "./request.ts";
import { Emitter, Store } from "./store.ts";

/** How long the live channel may take to bring a message back before the message is sent by HTTP. */
const ECHO_MAX_MS = 4000;
const SEND_TRIES = 5;

/** The largest position of a message, as the service says it: before it, all messages are. */
const POSITION_MAX = 2 ** 31 - 1;

export interface StartOptions {
  /** The version of the offer that the person has seen: no new record begins at another tariff, or with less that is free. */
  offerVersion?: string | undefined;
  /** The active record that goes on: if that record has ended, no new record begins. */
  recordId?: string | undefined;
}

export class Chat {
  readonly id: string;
  readonly #connection: Connection;
  readonly #request: Request;
  readonly #facts: Store<Frame>;
  readonly #frames = new Emitter<Frame>();
  readonly #messages = new Emitter<Message>();
  readonly #typing = new Emitter<"user" | "advisor">();
  readonly #problems = new Emitter<Problem & { client_id?: string }>();
  readonly #painter: Painter;
  #isWatched = false;
  #isPresent = false;
  #snapshot: Snapshot | null = null;
  #leaseUntil: number | null = null;
  #sequence: number | null = null;
  /** The position up to which the listeners have all messages; null while nobody has asked for messages. */
  #position: number | null = null;
  #isFetching = false;
  /** The connection was lost after the last snapshot: the facts may have changed. */
  #isStale = false;
  /** Engine time at which the connection was lost; null where that is not known. */
  #lostAt: number | null = null;
  #asking: ReturnType<typeof setTimeout> | undefined;
  /** The instant that was painted last, in engine time. */
  #paintedAt = Number.NEGATIVE_INFINITY;
  /** The last numbers shown: they stay while the clock is suspect. */
  #measure: Measure | null = null;

  constructor(id: string, connection: Connection, request: Request) {
    this.id = id;
    this.#connection = connection;
    this.#request = request;
    this.#facts = new Store(this.frame());
    this.#painter = new Painter(
      () => this.#paint(),
      () => connection.disturb(false),
    );
  }

  /** Watches the chat, if that is new. With `presence` the person of the page is present in the chat from now on. */
  watch(presence: boolean): void {
    if (this.#isWatched && (this.#isPresent || !presence)) return;
    this.#isWatched = true;
    this.#isPresent = presence;
    this.#connection.watch(this.id, presence);
  }

  /**
   * A page that is connected again does not make its person present until the returned function is called. So what the
   * person has asked for meanwhile, such as a pause, comes before time runs again.
   */
  stayAway(): () => void {
    return this.#connection.stayAway(this.id);
  }

  /** Calls `listener` now and whenever facts or state change. Returns the function that ends that. */
  subscribe(listener: (frame: Frame) => void): () => void {
    this.#facts.set(this.frame());
    return this.#facts.subscribe(listener);
  }

  /** Calls `listener` in each animation frame in which a digit changes. Returns the function that ends that. */
  onFrame(listener: (frame: Frame) => void): () => void {
    const stop = this.#frames.listen(listener);
    this.#painter.request();
    return stop;
  }

  onMessage(listener: (message: Message) => void): () => void {
    return this.#messages.listen(listener);
  }

  onTyping(listener: (party: "user" | "advisor") => void): () => void {
    return this.#typing.listen(listener);
  }

  onProblem(listener: (problem: Problem & { client_id?: string }) => void): () => void {
    return this.#problems.listen(listener);
  }

  /** The latest facts; null before the first snapshot. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  reading(): Reading {
    const { elapsedMs, errorMs, state, balance } = this.frame();
    return { elapsedMs, errorMs, state, balance };
  }

  /** Every number as of this moment. */
  frame(): Frame {
    return this.#frameAhead(0).frame;
  }

  /** What a record that the user begins now would cost, and how long the user's credit would last. */
  async offer(): Promise<Offer> {
    const chat = this.#snapshot?.chat;
    if (chat === undefined) throw new Error("the chat is not known yet");
    const { user_id, advisor_id } = chat;
    return this.#request<Offer>("GET", `/users/${encodeId(user_id)}/offers/${encodeId(advisor_id)}`);
  }

  /** Starts or resumes the pair's record in this chat, or switches it to this chat. Only a person's act may call this. */
  start({ offerVersion, recordId }: StartOptions = {}): Promise<Snapshot> {
    return this.#act("tracking", { offer_version: offerVersion, record_id: recordId });
  }

  /** Accepts the requested record, as the advisor: its timer starts. */
  accept(): Promise<Snapshot> {
    return this.#act("accept");
  }

  /** Declines the requested record, as the advisor. `reason` is what the user is told. */
  decline(reason?: string): Promise<Snapshot> {
    return this.#act("decline", reason === undefined ? undefined : { reason });
  }

  pause(): Promise<Snapshot> {
    return this.#act("pause");
  }

  resume(): Promise<Snapshot> {
    return this.#act("resume");
  }

  /** Ends the record. With `recordId`, a later record of the chat goes on: what a person was asked about has ended then. */
  stop({ recordId }: { recordId?: string | undefined } = {}): Promise<Snapshot> {
    return this.#act("stop", { record_id: recordId });
  }

  /**
   * A page of the messages after the position `after`, in order. `next` is the `after` of the next page, null after the
   * last one. Messages that the live channel misses from then on come to the listeners of `onMessage` all the same.
   */
  messages(after: number | string = 0): Promise<MessagePage> {
    return this.#messagePage(`after=${after}`, Number(after));
  }

  /**
   * A page of the last messages before the position `before`, in order; without `before`, the last messages of the chat.
   * `next` is the `before` of the page with earlier messages, null when there are none. Messages that the live channel
   * misses after the last page come to the listeners of `onMessage` all the same.
   */
  messagesBefore(before: number | string = POSITION_MAX): Promise<MessagePage> {
    return this.#messagePage(`before=${before}`);
  }

  /** Tells the other party that this party is typing. Nothing happens if the message is lost. */
  typing(): void {
    this.#connection.send({ type: "typing", chat_id: this.id });
  }

  /**
   * Sends a message over the live channel, or else by HTTP, and returns the stored message. However many tries that takes,
   * the message is stored once. Rejects with a `RequestProblem` when the message is refused or the service does not answer;
   * a repeat with the same `clientId` is safe.
   */
  async sendMessage(text: string, clientId = randomId()): Promise<Message> {
    const message = { chat_id: this.id, client_id: clientId, text };
    const echo = this.#echoOf(clientId);
    try {
      const sent = this.#connection.send({ type: "message", ...message });
      const stored = sent ? await Promise.race([echo.stored, sleep(ECHO_MAX_MS)]) : null;
      return stored ?? (await Promise.race([echo.stored, this.#post(text, clientId)]));
    } finally {
      echo.stop();
    }
  }

  /** Handles a message of the live channel for this chat. */
  receive(message: ServerMessage): void {
    if ("leases" in message && message.leases) this.#renewLease(message.leases[this.id]);
    if (message.type === "snapshot") this.#receiveSnapshot(message.snapshot);
    else if (message.type === "message") this.#receiveMessage(message.message);
    else if (message.type === "typing") this.#typing.emit(message.party);
    else if (message.type === "problem") {
      const { client_id } = message;
      this.#problems.emit(client_id === undefined ? message.problem : { ...message.problem, client_id });
    }
  }

  /** The connection or the clock has changed, and with them the state may have. */
  refresh(): void {
    if (this.#connection.status.get() === "reconnecting") {
      if (!this.#isStale) this.#lostAt = this.#connection.now();
      this.#isStale = true;
      this.#sequence = null;
    }
    this.#facts.set(this.frame());
    this.#painter.request();
  }

  close(): void {
    this.#painter.stop();
    clearTimeout(this.#asking);
    this.#connection.unwatch(this.id);
  }

  #pathOf(call: string): string {
    return `/chats/${encodeId(this.id)}/${call}`;
  }

  /** The listeners have all messages up to `known`, and those of the page. */
  async #messagePage(query: string, known = 0): Promise<MessagePage> {
    const page = await this.#request<MessagePage>("GET", this.#pathOf(`messages?${query}`));
    this.#position = Math.max(this.#position ?? 0, known, page.messages.at(-1)?.position ?? 0);
    return page;
  }

  async #act(call: string, body: object = {}): Promise<Snapshot> {
    const snapshot = await this.#request<Snapshot>("POST", this.#pathOf(call), body);
    this.#useSnapshot(snapshot);
    return snapshot;
  }

  async #post(text: string, clientId: string): Promise<Message> {
    for (let tries = 1; ; tries += 1) {
      try {
        const body = { text, client_id: clientId };
        return await this.#request<Message>("POST", this.#pathOf("messages"), body, { key: clientId });
      } catch (error) {
        const mayPass =
          error instanceof RequestProblem && [0, 429, 502, 503, 504].includes(error.problem.status);
        if (!mayPass || tries === SEND_TRIES) throw error;
        await sleep(500 * 2 ** tries);
      }
    }
  }

  /** The stored message with this `clientId`, when the live channel brings it back; rejects when it is refused. */
  #echoOf(clientId: string): { stored: Promise<Message>; stop: () => void } {
    const stops: (() => void)[] = [];
    const stored = new Promise<Message>((resolve, reject) => {
      stops.push(
        this.onMessage((message) => message.client_id === clientId && resolve(message)),
        this.onProblem((problem) => problem.client_id === clientId && reject(new RequestProblem(problem))),
      );
    });
    return {
      stored,
      stop: () => {
        for (const stop of stops) stop();
      },
    };
  }

  /** Asks for the messages before this one, where some were missed. */
  #receiveMessage(message: Message): void {
    const expected = (this.#position ?? message.position) + 1;
    if (message.position > expected) void this.#fetchMissed();
    else if (this.#position !== null) this.#position = Math.max(this.#position, message.position);
    this.#messages.emit(message);
  }

  /** Hands the messages that were missed to the listeners. If that fails, the next gap or reconnection tries again. */
  async #fetchMissed(): Promise<void> {
    if (this.#position === null || this.#isFetching) return;
    this.#isFetching = true;
    try {
      for (let next: string | null = String(this.#position); next !== null; ) {
        const page: MessagePage = await this.messages(next);
        for (const message of page.messages) this.#messages.emit(message);
        next = page.next;
      }
    } catch (error) {
      if (!(error instanceof RequestProblem)) throw error;
    } finally {
      this.#isFetching = false;
    }
  }

  /** Asks again where a snapshot was missed. Each snapshot is whole, so this one is used at once. */
  #receiveSnapshot(snapshot: Snapshot): void {
    const missed = this.#sequence !== null && snapshot.sequence > this.#sequence + 1;
    this.#sequence = missed ? null : snapshot.sequence;
    if (this.#isStale) void this.#fetchMissed();
    this.#isStale = false;
    this.#useSnapshot(snapshot);
    if (missed) this.#connection.watch(this.id);
  }

  /** Uses a snapshot if it is newer: the live channel and the answer of a request bring the same one in any order. */
  #useSnapshot(snapshot: Snapshot): void {
    const before = this.#snapshot;
    if (before && isOlder(snapshot, before)) return;
    const until = instant(snapshot.timer.lease_until);
    // A lease only grows within a segment, and the live channel may have named a later end before.
    const isSameSegment = snapshot.timer.running && before?.timer.since === snapshot.timer.since;
    this.#leaseUntil = isSameSegment && until !== null ? Math.max(until, this.#leaseUntil ?? until) : until;
    this.#snapshot = snapshot;
    this.#askAgain(snapshot);
    this.refresh();
  }

  /** Asks once more when somebody who is present may have gone: a lease that lapses while no time runs is not told. */
  #askAgain({ presence, server_time }: Snapshot): void {
    clearTimeout(this.#asking);
    if (!presence?.until) return;
    const ms = Date.parse(presence.until) - Date.parse(server_time);
    this.#asking = setTimeout(() => this.#connection.watch(this.id), ms + 100);
  }

  #renewLease(until: Instant | undefined): void {
    const renewed = instant(until ?? null);
    if (renewed === null || this.#leaseUntil === null || renewed <= this.#leaseUntil) return;
    this.#leaseUntil = renewed;
    // A timer that had stopped at the old end goes on. A timer that runs is painted at its next second anyway.
    if (this.#measure?.nextMs === null) this.#painter.request();
  }

  #paint(): number | null {
    this.#connection.check();
    let { frame, nextMs } = this.#frameAhead(AHEAD_MS);
    // A cost changes one millisecond after the digits of the time. No frame may fall between the two.
    if (nextMs !== null && (frame.elapsedMs ?? 0) % 1000 < 1)
      ({ frame, nextMs } = this.#frameAhead(AHEAD_MS + 1));
    // The clock becomes sure without new facts.
    if (frame.state !== this.#facts.get().state) this.#facts.set(frame);
    this.#frames.emit(frame);
    return nextMs;
  }

  #measureAt(snapshot: Snapshot, at: number): Measure {
    const othersAt = this.#isStale ? Math.min(at, this.#lostAt ?? at) : at;
    return measure(snapshot, at, this.#leaseUntil, othersAt);
  }

  /** The numbers to show `aheadMs` from now, never of an earlier instant than was painted. */
  #frameAhead(aheadMs: number): { frame: Frame; nextMs: number | null } {
    const snapshot = this.#snapshot;
    const now = this.#connection.now();
    const at = now === null ? null : Math.max(now + aheadMs, this.#paintedAt);
    if (at !== null && aheadMs > 0) this.#paintedAt = at;
    const state = this.#state(at);
    const isKnown = at !== null || !snapshot?.timer.running;
    const isSuspect = this.#connection.suspect && snapshot?.timer.running;
    if (snapshot && !(isSuspect && this.#measure))
      this.#measure = this.#measureAt(snapshot, at ?? Date.parse(snapshot.server_time));
    const numbers = this.#measure;
    const frame: Frame = {
      state,
      reason: state === "running" || state === "syncing" ? null : this.#reason(),
      errorMs: snapshot?.timer.running ? this.#connection.errorMs() : 0,
      elapsedMs: numbers && isKnown ? numbers.elapsedMs : null,
      chatElapsedMs: numbers && isKnown ? numbers.chatElapsedMs : null,
      earned: snapshot && numbers ? earned(snapshot, numbers.elapsedMs) : null,
      freeMs: numbers?.freeMs ?? 0,
      billedMs: numbers?.billedMs ?? 0,
      cost: numbers?.cost ?? "0.00",
      balance: numbers?.balance ?? null,
      at,
      endsAt: numbers?.endsAt ?? null,
      remainingMs: isKnown ? (numbers?.remainingMs ?? null) : null,
      isStanding: isKnown && snapshot?.timer.running === true && numbers?.nextMs === null,
      rechargeMs: at === null ? null : (numbers?.rechargeMs ?? null),
      snapshot,
    };
    // While engine time is not known, look again soon.
    const nextMs = isSuspect || !isKnown ? 50 : (numbers?.nextMs ?? null);
    return { frame, nextMs: snapshot ? nextMs : null };
  }

  #state(at: number | null): TimerState {
    const snapshot = this.#snapshot;
    if (!snapshot) return "syncing";
    if (snapshot.record?.state === "ended") return "ended";
    if (this.#isStale || this.#connection.status.get() === "closed") return "reconnecting";
    if (!snapshot.timer.running) return "paused";
    return at === null || this.#connection.suspect ? "syncing" : "running";
  }

  #reason(): Frame["reason"] {
    const record = this.#snapshot?.record;
    if (!record || this.#snapshot?.timer.running) return null;
    if (record.state !== "ended" && record.current_chat_id !== this.id) return "switched";
    return record.reason;
  }
}

/** The advisor's share of the cost of this running time; null for the user, who does not see the terms. */
function earned(snapshot: Snapshot, elapsedMs: number): Credits | null {
  const { terms, allowance_ms } = snapshot;
  if (!terms) return null;
  return credits(share(terms, pricing(snapshot), Math.floor(elapsedMs) - allowance_ms).advisor);
}

function isOlder(one: Snapshot, other: Snapshot): boolean {
  const ms = Date.parse(one.server_time) - Date.parse(other.server_time);
  return ms < 0 || (ms === 0 && one.sequence < other.sequence);
}

/** Resolves to null after `ms`. */
function sleep(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}
