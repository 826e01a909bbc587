/** One watched chat: its facts, its numbers at any moment, its conversation, and what a person can do with it. */

import type { Connection } from "./connection.ts";
import { instant, type Measure, measure } from "./core/meter.ts";
import type {
  Frame,
  Instant,
  Message,
  Problem,
  Reading,
  ServerMessage,
  Snapshot,
  TimerState,
} from "./core/types.ts";
import { AHEAD_MS, Painter } from "./painter.ts";
import { identifier, type Request, RequestProblem } from "./request.ts";
import { Signal, Store } from "./store.ts";

/** How long the channel may take to echo a message before the message goes by HTTP. */
const ECHO_MAX_MS = 4000;
const SEND_TRIES = 5;

export class Chat {
  readonly id: string;
  readonly #connection: Connection;
  readonly #request: Request;
  readonly #facts: Store<Frame>;
  readonly #frames = new Signal<Frame>();
  readonly #messages = new Signal<Message>();
  readonly #typing = new Signal<"user" | "advisor">();
  readonly #problems = new Signal<Problem & { client_id?: string }>();
  readonly #painter: Painter;
  #snapshot: Snapshot | null = null;
  #leaseUntil: number | null = null;
  #sequence: number | null = null;
  /** The connection was lost since the channel last told the facts: they may be over. */
  #stale = false;
  /** The instant painted last, in engine time. */
  #painted = Number.NEGATIVE_INFINITY;
  /** The last numbers shown: kept while the clock is in doubt. */
  #held: Measure | null = null;

  constructor(id: string, connection: Connection, request: Request) {
    this.id = id;
    this.#connection = connection;
    this.#request = request;
    this.#facts = new Store(this.frame());
    this.#painter = new Painter(
      () => this.#paint(),
      () => connection.disturb(false),
    );
    connection.watch(id);
  }

  /** Calls `listener` now and whenever facts or state change. Answers the function that ends it. */
  subscribe(listener: (frame: Frame) => void): () => void {
    this.#facts.set(this.frame());
    return this.#facts.subscribe(listener);
  }

  /** Calls `listener` in the animation frame in which a digit changes. Answers the function that ends it. */
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

  /** The latest facts; null before the first. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  reading(): Reading {
    const { elapsedMs, errorMs, state, balance } = this.frame();
    return { elapsedMs, errorMs, state, balance };
  }

  /** Every number, at this moment. */
  frame(): Frame {
    return this.#look(0).frame;
  }

  /** Starts, resumes or switches the pair's record to this chat: a person's act, never a page's. */
  start(options: { tariffVersion?: number } = {}): Promise<Snapshot> {
    const body = options.tariffVersion === undefined ? {} : { tariff_version: options.tariffVersion };
    return this.#act("tracking", body);
  }

  pause(): Promise<Snapshot> {
    return this.#act("pause");
  }

  resume(): Promise<Snapshot> {
    return this.#act("resume");
  }

  stop(): Promise<Snapshot> {
    return this.#act("stop");
  }

  /** The conversation, in order, from after the position `after`; at most 200 messages an answer. */
  messages(after = 0): Promise<{ messages: Message[] }> {
    return this.#request("GET", this.#path(`messages?after=${after}`));
  }

  /** Tells the other side that this one is writing; lost without harm. */
  typing(): void {
    this.#connection.send({ type: "typing", chat_id: this.id });
  }

  /**
   * Sends a message, once, however often it has to try: over the channel, else by HTTP. Answers the stored message.
   * Rejects with a `RequestProblem` when it is refused or nobody answers; sending it again with the same `clientId` is safe.
   */
  async sendMessage(text: string, clientId = identifier()): Promise<Message> {
    const message = { chat_id: this.id, client_id: clientId, text };
    const echo = this.#echo(clientId);
    try {
      const sent = this.#connection.send({ type: "message", ...message });
      const stored = sent ? await Promise.race([echo.stored, later(ECHO_MAX_MS)]) : null;
      return stored ?? (await Promise.race([echo.stored, this.#post(text, clientId)]));
    } finally {
      echo.stop();
    }
  }

  /** Takes what the channel brings for this chat. */
  receive(message: ServerMessage): void {
    if ("leases" in message && message.leases) this.#renew(message.leases[this.id]);
    if (message.type === "snapshot") this.#number(message.snapshot);
    else if (message.type === "message") this.#messages.send(message.message);
    else if (message.type === "typing") this.#typing.send(message.party);
    else if (message.type === "problem") {
      const { client_id } = message;
      this.#problems.send(client_id === undefined ? message.problem : { ...message.problem, client_id });
    }
  }

  /** The state may have changed without new facts: the connection or the clock did. */
  refresh(): void {
    if (this.#connection.status.get() === "reconnecting") {
      this.#stale = true;
      this.#sequence = null;
    }
    this.#facts.set(this.frame());
    this.#painter.request();
  }

  close(): void {
    this.#painter.stop();
    this.#connection.unwatch(this.id);
  }

  #path(call: string): string {
    return `/chats/${encodeURIComponent(this.id)}/${call}`;
  }

  async #act(call: string, body: object = {}): Promise<Snapshot> {
    const snapshot = await this.#request<Snapshot>("POST", this.#path(call), body);
    this.#take(snapshot);
    return snapshot;
  }

  async #post(text: string, clientId: string): Promise<Message> {
    for (let tried = 1; ; tried += 1) {
      try {
        const body = { text, client_id: clientId };
        return await this.#request<Message>("POST", this.#path("messages"), body, { key: clientId });
      } catch (error) {
        const passing =
          error instanceof RequestProblem && [0, 429, 502, 503, 504].includes(error.problem.status);
        if (!passing || tried === SEND_TRIES) throw error;
        await later(500 * 2 ** tried);
      }
    }
  }

  /** The stored message with `clientId` as the channel brings it back, or its refusal. */
  #echo(clientId: string): { stored: Promise<Message>; stop: () => void } {
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

  /** Notices gaps: what was missed is asked for again. The snapshot itself is whole, so it counts already. */
  #number(snapshot: Snapshot): void {
    const missed = this.#sequence !== null && snapshot.sequence > this.#sequence + 1;
    this.#sequence = missed ? null : snapshot.sequence;
    this.#stale = false;
    this.#take(snapshot);
    if (missed) this.#connection.watch(this.id);
  }

  /** Takes newer facts, from the channel or from an answer, whichever comes first. */
  #take(snapshot: Snapshot): void {
    const before = this.#snapshot;
    if (before && isOlder(snapshot, before)) return;
    const until = instant(snapshot.timer.lease_until);
    // Within a segment a lease only ever grows, and the channel may have told a later end already.
    const same = snapshot.timer.running && before?.timer.since === snapshot.timer.since;
    this.#leaseUntil = same && until !== null ? Math.max(until, this.#leaseUntil ?? until) : until;
    this.#snapshot = snapshot;
    this.refresh();
  }

  #renew(until: Instant | undefined): void {
    const told = instant(until ?? null);
    if (told === null || this.#leaseUntil === null || told <= this.#leaseUntil) return;
    this.#leaseUntil = told;
    // A timer that stood at the old end goes on; one that runs is painted on its second, not between.
    if (this.#held?.nextMs === null) this.#painter.request();
  }

  #paint(): number | null {
    this.#connection.look();
    const { frame, nextMs } = this.#look(AHEAD_MS);
    // The clock becomes sure by itself, without new facts.
    if (frame.state !== this.#facts.get().state) this.#facts.set(frame);
    this.#frames.send(frame);
    return nextMs;
  }

  /** What is to be shown `aheadMs` from now, and never less than has been painted. */
  #look(aheadMs: number): { frame: Frame; nextMs: number | null } {
    const snapshot = this.#snapshot;
    const now = this.#connection.now();
    const at = now === null ? null : Math.max(now + aheadMs, this.#painted);
    if (at !== null && aheadMs > 0) this.#painted = at;
    const state = this.#state(at);
    const known = at !== null || !snapshot?.timer.running;
    const doubt = this.#connection.suspect && snapshot?.timer.running;
    if (snapshot && !(doubt && this.#held))
      this.#held = measure(snapshot, at ?? Date.parse(snapshot.server_time), this.#leaseUntil);
    const shown = this.#held;
    const frame: Frame = {
      state,
      reason: state === "running" || state === "syncing" ? null : this.#reason(),
      errorMs: snapshot?.timer.running ? this.#connection.errorMs() : 0,
      elapsedMs: shown && known ? shown.elapsedMs : null,
      recordElapsedMs: shown?.recordElapsedMs ?? 0,
      freeMs: shown?.freeMs ?? 0,
      billedMs: shown?.billedMs ?? 0,
      cost: shown?.cost ?? "0.00",
      balance: shown?.balance ?? null,
      at,
      endsAt: shown?.endsAt ?? null,
      remainingMs: known ? (shown?.remainingMs ?? null) : null,
      rechargeMs: at === null ? null : (shown?.rechargeMs ?? null),
      snapshot,
    };
    // While the clock is not there yet, look again soon: it becomes ready by itself.
    const nextMs = doubt || !known ? 50 : (shown?.nextMs ?? null);
    return { frame, nextMs: snapshot ? nextMs : null };
  }

  #state(at: number | null): TimerState {
    const snapshot = this.#snapshot;
    if (!snapshot) return "syncing";
    if (snapshot.record?.state === "ended") return "ended";
    if (this.#stale || this.#connection.status.get() === "closed") return "reconnecting";
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

function isOlder(one: Snapshot, other: Snapshot): boolean {
  const ms = Date.parse(one.server_time) - Date.parse(other.server_time);
  return ms < 0 || (ms === 0 && one.sequence < other.sequence);
}

/** Null after `ms`. */
function later(ms: number): Promise<null> {
  return new Promise((resolve) => setTimeout(resolve, ms, null));
}
