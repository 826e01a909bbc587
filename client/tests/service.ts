/** A service with a live channel over real sockets that answers what a test wants. The real service is tested elsewhere. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { ClientMessage, ServerMessage, Snapshot } from "../src/core/types.ts";

export interface Call {
  method: string;
  path: string;
  key: string | undefined;
  body: unknown;
}

export class Service {
  readonly received: ClientMessage[] = [];
  readonly calls: Call[] = [];
  /** The answer to `watch`; null for no answer. */
  snapshot: (() => Snapshot) | null = null;
  /** The answer to an HTTP request: status and document. */
  answer: (call: Call) => [number, unknown] = () => [404, null];
  /** Whether the service answers pings and empty frames. */
  answering = true;
  epoch = "a";
  connections = 0;
  readonly #http: Server;
  #socket: WebSocket | null = null;

  private constructor() {
    this.#http = createServer((request, response) => void this.#respond(request, response));
    new WebSocketServer({ server: this.#http, path: "/v1/live" }).on("connection", (socket) => {
      this.connections += 1;
      this.#socket = socket;
      socket.on("message", (data) => {
        if (String(data) !== "") this.#hear(JSON.parse(String(data)) as ClientMessage);
        else if (this.answering) socket.send("");
      });
    });
  }

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#http.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  say(message: ServerMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  tell(snapshot: Snapshot): void {
    this.say({ type: "snapshot", chat_id: snapshot.chat.id, snapshot });
  }

  hangUp(code: number): void {
    this.#socket?.close(code);
  }

  /** How many messages of this type the client has sent. */
  count(type: ClientMessage["type"]): number {
    return this.received.filter((message) => message.type === type).length;
  }

  stop(): void {
    this.#socket?.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
  }

  #hear(message: ClientMessage): void {
    this.received.push(message);
    if (message.type === "watch" && this.snapshot) this.tell(this.snapshot());
    if (message.type !== "ping" || !this.answering) return;
    const now = Date.now();
    this.say({ type: "pong", c0: message.c0, s1: now, s2: now, epoch: this.epoch });
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const cross = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
    let text = "";
    for await (const piece of request) text += String(piece);
    if (request.method === "OPTIONS") {
      response.writeHead(204, cross).end();
      return;
    }
    const call: Call = {
      method: request.method ?? "",
      path: request.url ?? "",
      key: request.headers["idempotency-key"] as string | undefined,
      body: text ? JSON.parse(text) : null,
    };
    this.calls.push(call);
    const [status, document] = this.answer(call);
    response
      .writeHead(status, { ...cross, "content-type": "application/json" })
      .end(JSON.stringify(document));
  }
}
