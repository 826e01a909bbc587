/**
 * A WebSocket that reconnects: back-off with jitter, no queue while it is closed, and a watchdog for connections that
 * only look open. It does not know the messages.
 */

import { Store } from "./store.ts";

/** `closed` is final: the page closed the socket, or the server refused it for good. */
export type SocketStatus = "connecting" | "open" | "reconnecting" | "closed";

export interface SocketHandlers {
  opened(): void;
  received(text: string): void;
  /** Returns whether to reconnect. */
  lost(code: number): boolean;
}

/** The close code for a connection on which nothing arrives any more. */
const SILENT = 4408;

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
    this.setWatchdog(OPEN_MAX_MS);
    socket.onopen = () => {
      this.status.set("open");
      this.#handlers.opened();
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#failures = 0;
      this.#handlers.received(event.data);
    };
    socket.onclose = (event) => this.#lose(event.code);
    // A close follows every error, and is what counts.
    socket.onerror = () => undefined;
  }

  /** Sends now, or returns false when the socket is not open. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Whether a message would leave at once: the socket is open and has nothing to send. */
  get isClear(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN && this.#socket.bufferedAmount === 0;
  }

  /** Sets the watchdog: without another call within `ms` the connection is lost, or `otherwise` is called. */
  setWatchdog(ms: number, otherwise = () => this.#lose(SILENT)): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(otherwise, ms);
  }

  /** Reconnects now, where it waits to reconnect. */
  reconnectNow(): void {
    if (this.status.get() === "reconnecting" && this.#socket === null) this.open();
  }

  /** Gives up a connection over which nothing can arrive any more, and tries to connect again. */
  breakOff(): void {
    if (this.status.get() !== "closed" && this.#socket !== null) this.#lose(SILENT);
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
    const backOffMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.open(), backOffMs * (0.5 + Math.random() / 2));
    this.status.set("reconnecting");
  }

  /** Drops the socket without waiting: a connection that is half open takes long to close. */
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
