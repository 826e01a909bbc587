// @vitest-environment happy-dom
/** What a chat paints at a given engine time, without a connection. */

import { expect, test } from "vitest";
import { Chat } from "../src/chat.ts";
import type { Connection } from "../src/connection.ts";
import type { Frame } from "../src/core/types.ts";
import { AHEAD_MS } from "../src/painter.ts";
import { snapshot, TEN } from "./facts.ts";

/** The first frame that is painted when a chat of a second at 1.00 has run for `elapsedMs`. */
function painted(elapsedMs: number): Promise<Frame> {
  const connection = {
    suspect: false,
    status: { get: () => "open" },
    now: () => TEN + elapsedMs - AHEAD_MS,
    errorMs: () => 0,
    watch: () => undefined,
    unwatch: () => undefined,
    checkClocks: () => undefined,
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
