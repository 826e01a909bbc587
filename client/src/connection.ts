/** The live channel (`docs/reference/live-channel.md`): the token, the chats that are watched, presence, and the clock. */

import { Clock } from "./core/clock.ts";
import { instant } from "./core/meter.ts";
import type { ClientMessage, ServerMessage } from "./core/types.ts";
import { Disturbances } from "./disturbances.ts";
import { Pings } from "./pings.ts";
import type { TokenSource } from "./request.ts";
import { Socket } from "./socket.ts";
import { Emitter } from "./store.ts";

/** The time between two heartbeats, until two heartbeats have come. */
const HEARTBEAT_GUESS_MS = 20_000;
const HEARTBEAT_MIN_MS = 1000;
const SILENCE_HEARTBEATS = 2.5;
/**
 * While digits run on a visible page, they ask once a second whether the connection was quiet for this long, and then the
 * client asks for a sign of life. With the time that an answer may take, a person learns within five seconds of a loss.
 */
const QUIET_MS = 1000;
const ANSWER_MAX_MS = 3000;

/** From a heartbeat to the ping after it: what happens around a heartbeat would make the sample worse. */
const HEARTBEAT_OVER_MS = 500;

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
  /** The watched chats, and whether the person of this page is present in each. */
  readonly #watched = new Map<string, boolean>();
  /** The watched chats in which the person is not present for the time being. */
  readonly #away = new Set<string>();
  readonly #leaveUrl: (chatId: string) => string;
  /** The token of the last sign-in: a page that closes can't wait for another one. */
  #lastToken: string | null = null;
  readonly #floor: Floor;
  #heartbeatMs: number | null = null;
  #lastHeartbeat: number | null = null;
  /** How often in a row the server has refused the token. */
  #refusals = 0;
  /** Counts the sign-ins, so that a token that comes too late is not sent. */
  #signIn = 0;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;
  /** Local time at which the last message came. */
  #heardAt = 0;
  /** Whether the server answers an empty frame. One that knows presence does. */
  #answersEmpty = false;
  /** Runs from the first ping or empty frame without an answer. */
  #answerTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #pageEvents = new AbortController();

  /** `leaveUrl` is the address to which a page that closes says so. */
  constructor(url: string, token: TokenSource, leaveUrl: (chatId: string) => string) {
    this.#token = token;
    this.#leaveUrl = leaveUrl;
    this.#floor = new Floor(`talktime.shown ${url}`);
    // Instants of engine time are whole milliseconds; local time is as exact as this browser allows.
    this.#clock = new Clock(1 + granularityMs(), this.#floor.get());
    this.#disturbances = new Disturbances((suspect) => this.disturb(suspect));
    this.#socket = new Socket(url, {
      opened: () => void this.#sendHello(),
      received: (text) => this.#receive(text),
      lost: (code) => this.#lose(code),
    });
    this.#socket.open();
    const { signal } = this.#pageEvents;
    addEventListener("offline", () => this.#socket.breakOff(), { signal });
    addEventListener("pagehide", () => this.#leavePage(), { signal });
    // The browser may show the same page again, from its cache.
    addEventListener("pageshow", (event) => event.persisted && this.#watchAll(), { signal });
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

  /**
   * Asks for the chat's snapshot and for every change after it; a repeat gives the snapshot again. Without `presence` the
   * page only looks. A repeat without `presence` changes nothing about the presence that there is.
   */
  watch(chatId: string, presence = false): void {
    this.#watched.set(chatId, presence || this.#watched.get(chatId) === true);
    this.#sendWatch(chatId);
  }

  /** Watches the chat without presence from the next connection on, until the returned function is called. */
  stayAway(chatId: string): () => void {
    this.#away.add(chatId);
    return () => {
      this.#away.delete(chatId);
      if (this.#watched.has(chatId)) this.#sendWatch(chatId);
    };
  }

  /** The page no longer shows the chat. A person who was present in the chat has left it. */
  unwatch(chatId: string): void {
    this.send({ type: this.#watched.get(chatId) ? "leave" : "unwatch", chat_id: chatId });
    this.#watched.delete(chatId);
  }

  /** Something happened after which old samples may be wrong: ping again, and reconnect at once where needed. */
  disturb(suspect: boolean): void {
    this.#clock.disturb(performance.now(), suspect);
    if (this.#socket.status.get() === "open") this.#resync();
    else this.#socket.reconnectNow();
    this.disturbed.emit(undefined);
  }

  /** Compares the clocks, and asks for a sign of life where the connection was quiet; called whenever something else runs. */
  check(): void {
    this.#disturbances.check();
    if (!this.#answersEmpty || this.#answerTimer !== undefined) return;
    if (performance.now() - this.#heardAt > QUIET_MS && this.#socket.send("")) this.#expectAnswer();
  }

  close(): void {
    this.#storeFloor();
    // A token that comes after this is not sent.
    this.#signIn += 1;
    this.#pageEvents.abort();
    this.#disturbances.stop();
    this.#expectNoAnswer();
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
    this.#lastToken = token;
    this.send({ type: "hello", token });
    this.#watchAll();
    this.#lastHeartbeat = null;
    this.#clock.disturb(performance.now());
    this.#resync();
    this.disturbed.emit(undefined);
  }

  #watchAll(): void {
    for (const chatId of this.#watched.keys()) this.#sendWatch(chatId);
  }

  #sendWatch(chatId: string): void {
    const isPresent = this.#watched.get(chatId) && !this.#away.has(chatId);
    const presence = isPresent ? {} : { presence: false };
    this.send({ type: "watch", chat_id: chatId, ...presence });
  }

  /**
   * Says that the page closes, so that time is billed only a little longer; a page that is loaded again is back sooner.
   * The socket may not deliver its last message, so a beacon says the same.
   */
  #leavePage(): void {
    this.#storeFloor();
    for (const [chatId, presence] of this.#watched) {
      if (!presence) continue;
      this.send({ type: "leave", chat_id: chatId });
      if (this.#lastToken !== null)
        navigator.sendBeacon(this.#leaveUrl(chatId), JSON.stringify({ token: this.#lastToken }));
    }
  }

  /** Where nothing arrives for 2.5 heartbeats the connection is lost. Before two heartbeats have come, a ping asks first. */
  #expectHeartbeat(): void {
    if (this.#heartbeatMs !== null) this.#socket.setWatchdog(SILENCE_HEARTBEATS * this.#heartbeatMs);
    else this.#socket.setWatchdog(SILENCE_HEARTBEATS * HEARTBEAT_GUESS_MS, () => this.#resync());
  }

  #resync(): void {
    this.#pings.burst();
    this.#socket.setWatchdog(ANSWER_MAX_MS);
  }

  #ping(): void {
    clearTimeout(this.#pingTimer);
    if (this.#socket.isClear) {
      this.send({ type: "ping", c0: performance.now() });
      this.#expectAnswer();
    }
    // A ping that waits in a queue would measure the queue. It is sent as soon as the queue is empty.
    else if (this.#socket.status.get() === "open") this.#pingTimer = setTimeout(() => this.#ping(), QUEUE_MS);
  }

  #receive(text: string): void {
    const c3 = performance.now();
    this.#heardAt = c3;
    this.#expectNoAnswer();
    if (text === "") {
      this.#expectHeartbeat();
      return;
    }
    const message = JSON.parse(text) as ServerMessage;
    this.check();
    let isDisturbed = false;
    const suspect = this.suspect;
    if (message.type === "pong") {
      this.#refusals = 0;
      isDisturbed = this.#clock.take({ ...message, c3 }, message.epoch);
    } else if (message.type === "heartbeat") {
      isDisturbed = this.#clock.hear(message.s2, c3);
      this.#answerHeartbeat(message.s2);
    } else if (message.type === "snapshot") {
      this.#answersEmpty = message.snapshot.presence !== undefined;
      isDisturbed = this.#clock.hear(instant(message.snapshot.server_time) ?? 0, c3);
    }
    if (isDisturbed) this.#resync();
    else this.#expectHeartbeat();
    this.received.emit(message);
    if (isDisturbed || suspect !== this.suspect) this.disturbed.emit(undefined);
  }

  /** Proves presence, and pings a moment later while samples are few. */
  #answerHeartbeat(sent: number): void {
    // From when the heartbeats were sent: after a stall of the network two arrive at once.
    if (this.#lastHeartbeat !== null)
      this.#heartbeatMs = Math.max(HEARTBEAT_MIN_MS, sent - this.#lastHeartbeat);
    this.#lastHeartbeat = sent;
    this.send({ type: "heartbeat" });
    // Browsers delay the timers of a hidden page, but not this handler. A visible page pings by its own timer later on.
    if (document.hidden) this.#pings.ping();
    else if (this.#pings.isFresh) this.#pingTimer = setTimeout(() => this.#pings.ping(), HEARTBEAT_OVER_MS);
  }

  /** Gives the connection up where nothing comes in time. Not the watchdog, which may be due sooner. */
  #expectAnswer(): void {
    this.#answerTimer ??= setTimeout(() => this.#socket.breakOff(), ANSWER_MAX_MS);
  }

  #expectNoAnswer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = undefined;
  }

  #lose(code: number): boolean {
    this.#signIn += 1;
    this.#answersEmpty = false;
    this.#expectNoAnswer();
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
    this.received.emit({ type: "problem", problem: { title: detail, status, code, detail } });
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
