/** Snapshots for tests, of a record that started at ten o'clock and costs 1.00 a minute. */

import type { Snapshot } from "../src/core/types.ts";

export const TEN = Date.parse("2026-01-05T10:00:00.000Z");

export function at(ms: number): string {
  return new Date(TEN + ms).toISOString();
}

type Changes = Partial<Omit<Snapshot, "timer" | "record" | "chat">> & {
  timer?: Partial<Snapshot["timer"]>;
  record?: Partial<NonNullable<Snapshot["record"]>>;
  chat?: Partial<Snapshot["chat"]>;
};

/** The snapshot of a running record, as of `ms` after ten o'clock. */
export function snapshot(ms: number, { timer, record, chat, ...changes }: Changes = {}): Snapshot {
  return {
    server_time: at(ms),
    sequence: 1,
    record: {
      id: "record",
      state: "running",
      reason: null,
      user_id: "user",
      advisor_id: "advisor",
      current_chat_id: "chat",
      started_at: at(0),
      paused_at: null,
      paused_by: null,
      ended_at: null,
      ended_by: null,
      starts: "at_once",
      decline_reason: null,
      ...record,
    },
    chat: { id: "chat", user_id: "user", advisor_id: "advisor", duration_ms: ms, ...chat },
    timer: {
      running: true,
      since: at(0),
      lease_until: at(ms + 30_000),
      cut_at: null,
      recharge_until: null,
      ring_until: null,
      abandon_until: null,
      ...timer,
    },
    presence: null,
    elapsed_ms: ms,
    allowance_ms: 0,
    free_remaining_ms: 0,
    grace_used_at: null,
    billed_ms: 60_000,
    cost: "1.00",
    balance: "4.00",
    earned: null,
    terms: null,
    tariff: { tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 60 }] },
    tariff_version: 1,
    also_running: [],
    ...changes,
  };
}

export const PAUSED = {
  record: { state: "paused", reason: "paused" },
  timer: { running: false, since: null, lease_until: null },
} as const;
