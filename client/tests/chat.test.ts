// @vitest-environment happy-dom
/** What a chat paints at a given engine time, without a connection. */

import { afterEach, expect, test, vi } from "vitest";
import { Chat } from "../src/chat.ts";
import type { Connection } from "../src/connection.ts";
import type { Frame, Message, MessagePage, Snapshot } from "../src/core/types.ts";
import { AHEAD_MS } from "../src/painter.ts";
import { at, PAUSED, snapshot, TEN } from "./facts.ts";

const chats: Chat[] = [];
afterEach(() => {
  for (const chat of chats.splice(0)) chat.close();
});

/** The first frame that is painted when a chat of a second at 1.00 has run for `elapsedMs`. */
function painted(elapsedMs: number): Promise<Frame> {
  const connection = {
    suspect: false,
    status: { get: () => "open" },
    now: () => TEN + elapsedMs - AHEAD_MS,
    errorMs: () => 0,
    watch: () => undefined,
    unwatch: () => undefined,
    check: () => undefined,
  };
  const chat = new Chat("chat", connection as unknown as Connection, () => Promise.reject());
  const tariff = { tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 1, increment_seconds: 1 }] };
  chat.receive({ type: "snapshot", chat_id: "chat", snapshot: snapshot(0, { tariff, balance: "99.00" }) });
  return new Promise((resolve) => {
    const stop = chat.onFrame((frame) => {
      stop();
      chat.close();
      resolve(frame);
    });
  });
}

test.each([3000, 3000.4, 3000.99, 3001, 3500, 3999.9])(
  "after %f ms the time, the cost and the balance are painted for one second",
  async (elapsedMs) => {
    const { cost, balance, elapsedMs: time } = await painted(elapsedMs);
    expect([Math.floor((time ?? 0) / 1000), cost, balance]).toEqual([3, "4.00", "96.00"]);
  },
);

test("a chat that is closed while it is painted paints no more", async () => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  await painted(3000);
  expect(timers.mock.calls.filter(([, ms]) => (ms ?? 0) > 100)).toEqual([]);
  timers.mockRestore();
});

test("a chat asks again when somebody who was present may have gone", () => {
  vi.useFakeTimers();
  const asked = vi.fn();
  const connection = {
    suspect: false,
    status: { get: () => "open" },
    now: () => TEN,
    errorMs: () => 0,
    watch: asked,
    unwatch: () => undefined,
    check: () => undefined,
  };
  const chat = new Chat("chat", connection as unknown as Connection, () => Promise.reject());
  chats.push(chat);
  const presence = { user: true, advisor: true, until: at(5000) };
  const told = (facts: Snapshot) => chat.receive({ type: "snapshot", chat_id: "chat", snapshot: facts });
  told(snapshot(0, { ...PAUSED, presence }));
  vi.advanceTimersByTime(4999);
  expect(asked).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(asked).toHaveBeenCalledOnce();
  told(snapshot(1, { ...PAUSED, presence }));
  told(snapshot(2, { ...PAUSED, presence: { ...presence, until: null } }));
  vi.advanceTimersByTime(60_000);
  expect(asked).toHaveBeenCalledOnce();
  vi.useRealTimers();
});

/** A chat with `count` messages on the service, in pages of two, and the positions that its listeners have heard. */
function conversation(stored: { count: number }): {
  chat: Chat;
  heard: number[];
  pages: () => number;
  lose: () => void;
} {
  let pages = 0;
  const message = (position: number) =>
    ({ chat_id: "chat", position, client_id: String(position), text: "" }) as Message;
  const request = async <T>(_method: string, path: string): Promise<T> => {
    pages += 1;
    const after = Number(path.split("after=")[1]);
    const last = Math.min(after + 2, stored.count);
    const messages = Array.from({ length: last - after }, (_, index) => message(after + index + 1));
    return {
      data: messages,
      messages,
      next: last < stored.count ? String(last) : null,
    } satisfies MessagePage as T;
  };
  const status = { value: "open", get: () => status.value };
  const connection = {
    suspect: false,
    status,
    now: () => TEN,
    errorMs: () => 0,
    watch: () => undefined,
    unwatch: () => undefined,
    check: () => undefined,
  };
  const chat = new Chat("chat", connection as unknown as Connection, request);
  chats.push(chat);
  const heard: number[] = [];
  chat.onMessage(({ position }) => heard.push(position));
  const lose = () => {
    status.value = "reconnecting";
    chat.refresh();
    status.value = "open";
  };
  return { chat, heard, pages: () => pages, lose };
}

/** The live channel brings the message at this position. */
function arrive(chat: Chat, position: number): void {
  const message = { chat_id: "chat", position, client_id: String(position), text: "" } as Message;
  chat.receive({ type: "message", chat_id: "chat", message });
}

/** Lets the requests that are under way be answered. */
const answered = () => new Promise((resolve) => setTimeout(resolve, 5));

test("messages that the live channel left out are fetched, page by page", async () => {
  const stored = { count: 1 };
  const { chat, heard } = conversation(stored);
  expect((await chat.messages()).messages.map(({ position }) => position)).toEqual([1]);
  stored.count = 2;
  arrive(chat, 2);
  expect(heard).toEqual([2]);
  stored.count = 8;
  arrive(chat, 8);
  await answered();
  expect([...new Set(heard)].sort()).toEqual([2, 3, 4, 5, 6, 7, 8]);
  stored.count = 9;
  arrive(chat, 9);
  await answered();
  expect(heard.at(-1)).toBe(9);
  expect(heard.filter((position) => position < 8)).toHaveLength(6);
});

test("without a gap, and before somebody asks for messages, nothing is fetched", async () => {
  const { chat, heard, pages } = conversation({ count: 9 });
  arrive(chat, 4);
  arrive(chat, 9);
  await answered();
  expect(heard).toEqual([4, 9]);
  expect(pages()).toBe(0);
});

test("after a reconnection the messages sent meanwhile are fetched", async () => {
  const stored = { count: 2 };
  const { chat, heard, lose } = conversation(stored);
  await chat.messages();
  const tariff = { tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 1, increment_seconds: 1 }] };
  const said = { type: "snapshot", chat_id: "chat", snapshot: snapshot(0, { tariff }) } as const;
  chat.receive(said);
  stored.count = 5;
  chat.receive(said);
  await answered();
  expect(heard).toEqual([]);
  lose();
  chat.receive(said);
  await answered();
  expect(heard).toEqual([3, 4, 5]);
});
