/** The live channel (`docs/reference/live-channel.md`): the token, the chats that are watched, presence, and the clock. */

import { Clock } from "./core/clock.ts";
import { instant } from "./core/meter.ts";
import type { ClientMessage, ServerMessage } from "./core/types.ts";
import { Disturbances } from "./disturbances.ts";
import { Pings } from "./pings.ts";
import { RequestProblem, type TokenSource } from "./request.ts";
import { Socket } from "./socket.ts";
import { Emitter } from "./store.ts";

/** The time between two heartbeats, until two heartbeats have come. */
const HEARTBEAT_GUESS_MS = 20_000;
const HEARTBEAT_MIN_MS = 1000;
const SILENCE_HEARTBEATS = 2.5;
const PONG_MAX_MS = 5000;

/** From a heartbeat to the ping after it: by then the other party's answer counts in the lease that the pong names. */
const HEARTBEAT_ANSWERED_MS = 500;

/** The time between two looks at whether the socket has nothing left to send. */
const QUEUE_MS = 5;

const CLOSED_UNAUTHORIZED = 4401;
const CLOSED_FORBIDDEN = 4403;

export class Connection {
  readonly received = new Emitter<ServerMessage>();
  /** The clock was disturbed, or is sure again: the numbers may have changed. */
  readonly disturbed = new Emitter<undefined>();
  readonly #token: TokenSource;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #pings = new Pings(() => this.#ping());
  readonly #disturbances: Disturbances;
  readonly #watched = new Set<string>();
  readonly #floor: Floor;
  #heartbeatMs: number | null = null;
  #lastHeartbeat: number | null = null;
  /** How often in a row the server has refused the token. */
  #refusals = 0;
  /** Counts the sign-ins, so that a token that comes too late is not sent. */
  #signIn = 0;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #keepFloor = () => this.#storeFloor();

  constructor(url: string, token: TokenSource) {
    this.#token = token;
    this.#floor = new Floor(`talktime.shown ${url}`);
    // Instants of engine time are whole milliseconds; local time is as exact as this browser allows.
    this.#clock = new Clock(1 + granularityMs(), this.#floor.get());
    this.#disturbances = new Disturbances((suspect) => this.disturb(suspect));
    this.#socket = new Socket(url, {
      opened: () => void this.#sendHello(),
      received: (text) => this.#receive(text),
      lost: (code) => this.#lose(code),
    });
    addEventListener("pagehide", this.#keepFloor);
    this.#socket.open();
  }

  get status() {
    return this.#socket.status;
  }

  /** Local time may have stopped, and no sample has said for how long yet. */
  get suspect(): boolean {
    return this.#clock.suspect;
  }

  /** Engine time to show now, in ms; null until it is known. */
  now(): number | null {
    return this.#clock.now(performance.now());
  }

  errorMs(): number {
    return this.#clock.errorMs(performance.now());
  }

  send(message: ClientMessage): boolean {
    return this.#socket.send(JSON.stringify(message));
  }

  /** Asks for the chat's snapshot and for every change after it; a repeat gives the snapshot again. */
  watch(chatId: string): void {
    this.#watched.add(chatId);
    this.send({ type: "watch", chat_id: chatId });
  }

  unwatch(chatId: string): void {
    this.#watched.delete(chatId);
    this.send({ type: "unwatch", chat_id: chatId });
  }

  /** Something happened after which old samples may be wrong: ping again, and reconnect at once where needed. */
  disturb(suspect: boolean): void {
    this.#clock.disturb(performance.now(), suspect);
    if (this.#socket.status.get() === "open") this.#resync();
    else this.#socket.reconnectNow();
    this.disturbed.emit(undefined);
  }

  /** Compares the clocks; called whenever something else runs. */
  checkClocks(): void {
    this.#disturbances.check();
  }

  close(): void {
    this.#storeFloor();
    // A token that comes after this is not sent.
    this.#signIn += 1;
    removeEventListener("pagehide", this.#keepFloor);
    this.#disturbances.stop();
    clearTimeout(this.#pingTimer);
    this.#pings.stop();
    this.#socket.close();
  }

  async #sendHello(): Promise<void> {
    this.#signIn += 1;
    const signIn = this.#signIn;
    let token: string;
    try {
      token = await this.#token();
    } catch (cause) {
      this.#emitProblem("unauthorized", 401, String(cause));
      if (signIn === this.#signIn) this.#socket.setWatchdog(0);
      return;
    }
    // While the token was awaited, the socket may have been lost, and another sign-in may have begun.
    if (signIn !== this.#signIn) return;
    this.send({ type: "hello", token });
    for (const chatId of this.#watched) this.send({ type: "watch", chat_id: chatId });
    this.#lastHeartbeat = null;
    this.#clock.disturb(performance.now());
    this.#resync();
    this.disturbed.emit(undefined);
  }

  /** Where nothing arrives for 2.5 heartbeats the connection is lost. Before two heartbeats have come, a ping asks first. */
  #expectHeartbeat(): void {
    if (this.#heartbeatMs !== null) this.#socket.setWatchdog(SILENCE_HEARTBEATS * this.#heartbeatMs);
    else this.#socket.setWatchdog(SILENCE_HEARTBEATS * HEARTBEAT_GUESS_MS, () => this.#resync());
  }

  #resync(): void {
    this.#pings.burst();
    this.#socket.setWatchdog(PONG_MAX_MS);
  }

  #ping(): void {
    clearTimeout(this.#pingTimer);
    if (this.#socket.isClear) this.send({ type: "ping", c0: performance.now() });
    // A ping that waits in a queue would measure the queue. It is sent as soon as the queue is empty.
    else if (this.#socket.status.get() === "open") this.#pingTimer = setTimeout(() => this.#ping(), QUEUE_MS);
  }

  #receive(text: string): void {
    const c3 = performance.now();
    const message = JSON.parse(text) as ServerMessage;
    this.checkClocks();
    let isDisturbed = false;
    const suspect = this.suspect;
    if (message.type === "pong") {
      this.#refusals = 0;
      isDisturbed = this.#clock.take({ ...message, c3 }, message.epoch);
    } else if (message.type === "heartbeat") {
      isDisturbed = this.#clock.hear(message.s2, c3);
      this.#answerHeartbeat(message.s2);
    } else if (message.type === "snapshot") {
      isDisturbed = this.#clock.hear(instant(message.snapshot.server_time) ?? 0, c3);
    }
    if (isDisturbed) this.#resync();
    else this.#expectHeartbeat();
    this.received.emit(message);
    if (isDisturbed || suspect !== this.suspect) this.disturbed.emit(undefined);
  }

  /** Proves presence. The pong after it names the renewed lease, so that the screen and the charge end at one instant. */
  #answerHeartbeat(sent: number): void {
    // From when the heartbeats were sent: after a stall of the network two arrive at once.
    if (this.#lastHeartbeat !== null)
      this.#heartbeatMs = Math.max(HEARTBEAT_MIN_MS, sent - this.#lastHeartbeat);
    this.#lastHeartbeat = sent;
    this.send({ type: "heartbeat" });
    // Browsers delay the timers of a hidden page, but not this handler.
    if (document.hidden) this.#pings.ping();
    else this.#pingTimer = setTimeout(() => this.#pings.ping(), HEARTBEAT_ANSWERED_MS);
  }

  #lose(code: number): boolean {
    this.#signIn += 1;
    clearTimeout(this.#pingTimer);
    this.#pings.stop();
    if (code === CLOSED_FORBIDDEN) {
      this.#emitProblem("forbidden", 403, "The live channel is not yours");
      return false;
    }
    if (code !== CLOSED_UNAUTHORIZED) return true;
    // The token may have expired, and the host has a new one. A second refusal is final.
    this.#refusals += 1;
    if (this.#refusals < 2) return true;
    this.#emitProblem("unauthorized", 401, "The live channel asks to sign in");
    return false;
  }

  #emitProblem(code: string, status: number, detail: string): void {
    const { problem } = new RequestProblem({ title: detail, status, code, detail });
    this.received.emit({ type: "problem", problem });
  }

  /** After a reload the digits start no lower than they ended. */
  #storeFloor(): void {
    const now = this.now();
    if (now !== null) this.#floor.set(now);
  }
}

/** The last engine time that this tab has shown. A browser may keep nothing for a page. */
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

  set(now: number): void {
    try {
      sessionStorage.setItem(this.#key, String(now));
    } catch {
      // Without the floor the digits may start a little lower after a reload; they are not wrong.
    }
  }
}

/** The smallest step of `performance.now()` in this browser, in ms: 0.1, 1 or 16.7. */
function granularityMs(): number {
  const start = performance.now();
  for (let tries = 0; tries < 100_000; tries += 1) {
    const step = performance.now() - start;
    if (step > 0) return step;
  }
  return 1;
}
