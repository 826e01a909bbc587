/**
 * A WebSocket that comes back: jittered back-off, nothing queued while it is away, and a watchdog for connections that
 * only look open. It knows nothing of what is said over it.
 */

import { Store } from "./store.ts";

/** `closed` is for good: by us, or because the server said that coming back is no use. */
export type SocketStatus = "connecting" | "open" | "reconnecting" | "closed";

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  /** Answers whether to come back. */
  lost(code: number): boolean;
}

/** The close code of a connection that fell silent. */
const LOST = 4408;

const OPEN_MAX_MS = 8000;
const BACK_OFF_MIN_MS = 500;
const BACK_OFF_MAX_MS = 5000;

export class Socket {
  readonly status = new Store<SocketStatus>("connecting");
  readonly #url: string;
  readonly #handlers: SocketHandlers;
  #socket: WebSocket | null = null;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, handlers: SocketHandlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  open(): void {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.expect(OPEN_MAX_MS);
    socket.onopen = () => {
      this.status.set("open");
      this.#handlers.opened();
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#failures = 0;
      this.#handlers.received(event.data);
    };
    socket.onclose = (event) => this.#lose(event.code);
    // Every error is followed by a close, which is where it counts.
    socket.onerror = () => undefined;
  }

  /** Sends now or not at all; false when the socket is not open. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Nothing waits to be sent: what is sent now leaves now. */
  get clear(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount === 0;
  }

  /** Sets the watchdog: without another call within `ms`, `otherwise` happens; the connection counts as lost. */
  expect(ms: number, otherwise = () => this.#lose(LOST)): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(otherwise, ms);
  }

  /** Comes back at once when it is waiting to. */
  hurry(): void {
    if (this.status.get() === "reconnecting" && this.#socket === null) this.open();
  }

  close(code = 1000): void {
    this.#drop(code);
    this.status.set("closed");
  }

  #lose(code: number): void {
    this.#drop(1000);
    if (!this.#handlers.lost(code)) {
      this.status.set("closed");
      return;
    }
    const longest = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.open(), longest * (0.5 + Math.random() / 2));
    this.status.set("reconnecting");
  }

  /** Lets go of the socket at once: a half-open one would take long to close properly. */
  #drop(code: number): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }
}
