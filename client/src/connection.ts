/** The live channel, as `docs/reference/live-channel.md` describes it: who we are, what we watch, presence, and the clock. */

import { Clock } from "./core/clock.ts";
import { instant } from "./core/meter.ts";
import type { ClientMessage, ServerMessage } from "./core/types.ts";
import { Evidence } from "./evidence.ts";
import { Pings } from "./pings.ts";
import { RequestProblem, type TokenSource } from "./request.ts";
import { Socket } from "./socket.ts";
import { Signal } from "./store.ts";

/** Until heartbeats have shown how far apart they are. */
const HEARTBEAT_GUESS_MS = 20_000;
const HEARTBEAT_MIN_MS = 1000;
const SILENCE_HEARTBEATS = 2.5;
const PONG_MAX_MS = 5000;

/** After a heartbeat: long enough for the other side's answer to count in the lease the pong tells. */
const ANSWERED_MS = 500;

/** How often to look whether what was sent before has left. */
const QUEUE_MS = 5;

const CLOSED_SIGN_IN = 4401;
const CLOSED_NOT_YOURS = 4403;

export class Connection {
  readonly received = new Signal<ServerMessage>();
  /** The clock was disturbed, or is sure again: what is shown may have changed. */
  readonly disturbed = new Signal<undefined>();
  readonly #token: TokenSource;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #pings = new Pings(() => this.#ping());
  readonly #evidence: Evidence;
  readonly #watched = new Set<string>();
  readonly #floor: Floor;
  #heartbeatMs: number | null = null;
  #lastHeartbeat: number | null = null;
  #refusals = 0;
  #attempt = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  readonly #keepFloor = () => this.#remember();

  constructor(url: string, token: TokenSource) {
    this.#token = token;
    this.#floor = new Floor(`talktime.shown ${url}`);
    // Engine instants are truncated to whole milliseconds; local ones to whatever this browser allows.
    this.#clock = new Clock(1 + granularityMs(), this.#floor.get());
    this.#evidence = new Evidence((suspect) => this.disturb(suspect));
    this.#socket = new Socket(url, {
      opened: () => void this.#hello(),
      received: (text) => this.#receive(text),
      lost: (code) => this.#lose(code),
    });
    addEventListener("pagehide", this.#keepFloor);
    this.#socket.open();
  }

  get status() {
    return this.#socket.status;
  }

  /** The local clock may have stopped and no sample has said by how much yet. */
  get suspect(): boolean {
    return this.#clock.suspect;
  }

  /** Engine time to show now, in ms; null until known. */
  now(): number | null {
    return this.#clock.now(performance.now());
  }

  errorMs(): number {
    return this.#clock.errorMs(performance.now());
  }

  send(message: ClientMessage): boolean {
    return this.#socket.send(JSON.stringify(message));
  }

  /** Asks for the chat's snapshot and every change after it; asking again gives the snapshot again. */
  watch(chatId: string): void {
    this.#watched.add(chatId);
    this.send({ type: "watch", chat_id: chatId });
  }

  unwatch(chatId: string): void {
    this.#watched.delete(chatId);
    this.send({ type: "unwatch", chat_id: chatId });
  }

  /** Something happened after which old samples may be wrong: ask anew, and come back at once if away. */
  disturb(suspect: boolean): void {
    this.#clock.disturb(performance.now(), suspect);
    if (this.#socket.status.get() === "open") this.#askAnew();
    else this.#socket.hurry();
    this.disturbed.send(undefined);
  }

  /** Lets the wall clock testify; called whenever something runs anyway. */
  look(): void {
    this.#evidence.look();
  }

  close(): void {
    this.#remember();
    // A token that is still awaited finds nothing to say hello to.
    this.#attempt += 1;
    removeEventListener("pagehide", this.#keepFloor);
    this.#evidence.stop();
    clearTimeout(this.#waiting);
    this.#pings.stop();
    this.#socket.close();
  }

  async #hello(): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    let token: string;
    try {
      token = await this.#token();
    } catch (cause) {
      this.#problem("unauthorized", 401, String(cause));
      if (attempt === this.#attempt) this.#socket.expect(0);
      return;
    }
    // Meanwhile the socket may have been lost, and another one may be saying hello.
    if (attempt !== this.#attempt) return;
    this.send({ type: "hello", token });
    for (const chatId of this.#watched) this.send({ type: "watch", chat_id: chatId });
    this.#lastHeartbeat = null;
    this.#clock.disturb(performance.now());
    this.#askAnew();
    this.disturbed.send(undefined);
  }

  /** Silence of 2.5 heartbeats is a loss. Where their distance is a guess, a ping asks first. */
  #listen(): void {
    if (this.#heartbeatMs !== null) this.#socket.expect(SILENCE_HEARTBEATS * this.#heartbeatMs);
    else this.#socket.expect(SILENCE_HEARTBEATS * HEARTBEAT_GUESS_MS, () => this.#askAnew());
  }

  #askAnew(): void {
    this.#pings.burst();
    this.#socket.expect(PONG_MAX_MS);
  }

  #ping(): void {
    clearTimeout(this.#waiting);
    if (this.#socket.clear) this.send({ type: "ping", c0: performance.now() });
    // A ping that waits in a queue would measure the queue: it follows as soon as that is empty.
    else if (this.#socket.status.get() === "open") this.#waiting = setTimeout(() => this.#ping(), QUEUE_MS);
  }

  #receive(text: string): void {
    const c3 = performance.now();
    const message = JSON.parse(text) as ServerMessage;
    this.look();
    let broke = false;
    const suspect = this.suspect;
    if (message.type === "pong") {
      this.#refusals = 0;
      broke = this.#clock.take({ ...message, c3 }, message.epoch);
    } else if (message.type === "heartbeat") {
      broke = this.#clock.hear(message.s2, c3);
      this.#beat(message.s2);
    } else if (message.type === "snapshot") {
      broke = this.#clock.hear(instant(message.snapshot.server_time) ?? 0, c3);
    }
    if (broke) this.#askAnew();
    else this.#listen();
    this.received.send(message);
    if (broke || suspect !== this.suspect) this.disturbed.send(undefined);
  }

  /** Proves presence; the pong that follows tells the renewed lease, so that screen and bill stop at one instant. */
  #beat(sent: number): void {
    // As sent, not as received: a stall of the network delivers two at once.
    if (this.#lastHeartbeat !== null)
      this.#heartbeatMs = Math.max(HEARTBEAT_MIN_MS, sent - this.#lastHeartbeat);
    this.#lastHeartbeat = sent;
    this.send({ type: "heartbeat" });
    // Timers of a hidden page are held back; this handler is not.
    if (document.hidden) this.#pings.ping();
    else this.#waiting = setTimeout(() => this.#pings.ping(), ANSWERED_MS);
  }

  #lose(code: number): boolean {
    this.#attempt += 1;
    clearTimeout(this.#waiting);
    this.#pings.stop();
    if (code === CLOSED_NOT_YOURS) {
      this.#problem("forbidden", 403, "The live channel is not yours");
      return false;
    }
    if (code !== CLOSED_SIGN_IN) return true;
    // A token may have expired meanwhile: the host gives a new one. A second refusal is the answer.
    this.#refusals += 1;
    if (this.#refusals < 2) return true;
    this.#problem("unauthorized", 401, "The live channel asks to sign in");
    return false;
  }

  #problem(code: string, status: number, detail: string): void {
    const { problem } = new RequestProblem({ title: detail, status, code, detail });
    this.received.send({ type: "problem", problem });
  }

  /** After a refresh the digits start no lower than they ended. */
  #remember(): void {
    const shown = this.now();
    if (shown !== null) this.#floor.set(shown);
  }
}

/** Engine time last shown by this tab; nothing where the browser keeps nothing for a page. */
class Floor {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  get(): number {
    try {
      return Number(sessionStorage.getItem(this.#key) ?? Number.NEGATIVE_INFINITY);
    } catch {
      return Number.NEGATIVE_INFINITY;
    }
  }

  set(shown: number): void {
    try {
      sessionStorage.setItem(this.#key, String(shown));
    } catch {
      // Without it the digits may start a little lower after a refresh, never wrong.
    }
  }
}

/** The smallest step `performance.now()` makes here, in ms: 0.1 in one browser, 1 or 16.7 in another. */
function granularityMs(): number {
  const start = performance.now();
  for (let tries = 0; tries < 100_000; tries += 1) {
    const step = performance.now() - start;
    if (step > 0) return step;
  }
  return 1;
}
