/** The numbers of a screen: a function of a snapshot and an instant, with the same price as the receipt. */

import { credits, micros, price } from "./price.ts";
import type { Credits, Snapshot } from "./types.ts";

/** The numbers of one instant; durations in ms, instants in ms of engine time since 1970. */
export interface Measure {
  /** The record's running time over all its chats, to which cost, free time and credits belong. */
  elapsedMs: number;
  /** The chat's own running time, over all its records. */
  chatElapsedMs: number;
  freeMs: number;
  billedMs: number;
  cost: Credits;
  /** Null for the advisor. */
  balance: Credits | null;
  endsAt: number | null;
  remainingMs: number | null;
  rechargeMs: number | null;
  /** How long until one of these numbers changes by itself: at the next second or the cap; null when none will. */
  nextMs: number | null;
}

/** The numbers at the instant `at`. The time never passes the end of the lease or the cut. */
export function measure(
  snapshot: Snapshot,
  at: number,
  leaseUntil = instant(snapshot.timer.lease_until),
): Measure {
  return snapshot.timer.running ? running(snapshot, at, leaseUntil) : stopped(snapshot, at);
}

/** Milliseconds since 1970 of an RFC 3339 instant; null for null. */
export function instant(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

function stopped(snapshot: Snapshot, at: number): Measure {
  const rechargeUntil = instant(snapshot.timer.recharge_until);
  const rechargeMs = rechargeUntil === null ? null : Math.max(0, rechargeUntil - at);
  return {
    elapsedMs: snapshot.elapsed_ms,
    chatElapsedMs: snapshot.chat.duration_ms,
    freeMs: snapshot.free_remaining_ms,
    billedMs: snapshot.billed_ms,
    cost: snapshot.cost,
    balance: snapshot.balance,
    endsAt: null,
    remainingMs: null,
    rechargeMs,
    nextMs: rechargeMs ? rechargeMs % 1000 || 1000 : null,
  };
}

function running(snapshot: Snapshot, at: number, leaseUntil: number | null): Measure {
  const { chat, tariff, timer, allowance_ms: allowance } = snapshot;
  const asOf = Date.parse(snapshot.server_time);
  const since = instant(timer.since) ?? asOf;
  const endsAt = instant(timer.cut_at);
  const cap = Math.min(endsAt ?? Number.POSITIVE_INFINITY, leaseUntil ?? Number.POSITIVE_INFINITY);
  const instantShown = Math.max(since, Math.min(at, cap));
  const progressMs = instantShown - asOf;
  const elapsedMs = snapshot.elapsed_ms + progressMs;
  const chatElapsedMs = chat.duration_ms + progressMs;

  const elapsed = Math.floor(elapsedMs);
  const now = price(tariff, elapsed - allowance, { grace: !snapshot.grace_used_at });
  // While the timer runs, the whole increment in progress is held. At the cap the timer has stopped and owes its price.
  const committed = (ms: number) => price(tariff, ms + 1 - allowance, { grace: false }).micros;
  const owed = at >= cap ? now.micros : committed(elapsed);
  const balance =
    snapshot.balance === null ? null : micros(snapshot.balance) + committed(snapshot.elapsed_ms) - owed;
  return {
    elapsedMs,
    chatElapsedMs,
    freeMs: Math.max(0, allowance - elapsedMs),
    billedMs: now.billedMs,
    cost: credits(now.micros),
    balance: balance === null ? null : credits(balance < 0n ? 0n : balance),
    endsAt,
    remainingMs: endsAt === null ? null : Math.max(0, endsAt - instantShown),
    rechargeMs: null,
    nextMs: at >= cap ? null : Math.min(1000 - (elapsedMs % 1000), 1000 - (chatElapsedMs % 1000), cap - at),
  };
}
