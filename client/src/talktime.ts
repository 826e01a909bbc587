/** A connection to a service, and the chats that are watched over it. */

import { Chat } from "./chat.ts";
import { Connection } from "./connection.ts";
import type { Problem } from "./core/types.ts";
import { encodeId, type Request, requester, type TokenSource } from "./request.ts";
import type { SocketStatus } from "./socket.ts";

export interface ConnectOptions {
  /** Where the service is: an address, or a path on the page's own site. The page's own origin when absent. */
  url?: string;
  /** Returns a token of the service; called again when a token has expired. */
  token: TokenSource;
}

export interface WatchOptions {
  /** Whether the person is present in the chat, and so may be charged; true when absent. */
  presence?: boolean;
}

export class Talktime {
  /** Any other request under /v1; rejects with a `RequestProblem`. */
  readonly request: Request;
  readonly #connection: Connection;
  readonly #chats = new Map<string, Chat>();

  constructor({ url = location.origin, token }: ConnectOptions) {
    // Not every browser accepts a relative address for a socket.
    const base = new URL(url, location.href).href.replace(/\/$/, "");
    if (!base.startsWith("http")) throw new TypeError(`no address of a service: ${url}`);
    this.request = requester(base, token);
    const leaveUrl = (chatId: string) => `${base}/v1/chats/${encodeId(chatId)}/leave`;
    this.#connection = new Connection(`${base.replace(/^http/, "ws")}/v1/live`, token, leaveUrl);
    this.#connection.received.listen((message) => {
      const chatId = "chat_id" in message ? message.chat_id : undefined;
      for (const chat of chatId === undefined ? this.#chats.values() : [this.#chats.get(chatId)])
        chat?.receive(message);
    });
    const refresh = () => {
      for (const chat of this.#chats.values()) chat.refresh();
    };
    this.#connection.status.subscribe(refresh);
    this.#connection.disturbed.listen(refresh);
  }

  /**
   * Watches a chat: the same object for the same chat each time. Starts no timer. The person whose token this is becomes
   * present in the chat, until `unwatch` or the end of the page; with `presence: false` the page only looks.
   */
  watch(chatId: string, { presence = true }: WatchOptions = {}): Chat {
    const chat = this.#chats.get(chatId) ?? new Chat(chatId, this.#connection, this.request);
    this.#chats.set(chatId, chat);
    chat.watch(presence);
    return chat;
  }

  /** The page no longer shows the chat: the person leaves it, and time is billed only a few seconds longer. */
  unwatch(chatId: string): void {
    this.#chats.get(chatId)?.close();
    this.#chats.delete(chatId);
  }

  /** Calls `listener` now and whenever the connection is lost or is back. */
  onStatus(listener: (status: SocketStatus) => void): () => void {
    return this.#connection.status.subscribe(listener);
  }

  /** Calls `listener` when the live channel refuses something that is not of one chat, such as the token. */
  onProblem(listener: (problem: Problem) => void): () => void {
    return this.#connection.received.listen((message) => {
      if (message.type === "problem" && message.chat_id === undefined) listener(message.problem);
    });
  }

  close(): void {
    for (const chatId of [...this.#chats.keys()]) this.unwatch(chatId);
    this.#connection.close();
  }
}

/**
 * Connects to a service, and reconnects whenever the connection is lost. Throws a `TypeError` when `url` is no address of a
 * service.
 */
export function connect(options: ConnectOptions): Talktime {
  return new Talktime(options);
}
