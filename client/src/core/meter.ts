/** The numbers of a screen: a function of a snapshot and an instant, with the same price as the receipt. */

import { most } from "./integers.ts";
import { credits, micros, price, pricing } from "./price.ts";
import type { AlsoRunning, Credits, Snapshot } from "./types.ts";

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

/**
 * The numbers at the instant `at`. The time never passes the end of the lease or the cut. The user's other records count up
 * to `othersAt`: a screen that hears nothing more does not know whether they still run.
 */
export function measure(
  snapshot: Snapshot,
  at: number,
  leaseUntil = instant(snapshot.timer.lease_until),
  othersAt = at,
): Measure {
  const [numbers, own] = snapshot.timer.running ? running(snapshot, at, leaseUntil) : stopped(snapshot, at);
  let all = own;
  const asOf = Date.parse(snapshot.server_time);
  // A service of an earlier release does not name the user's other running records.
  for (const other of snapshot.also_running ?? []) {
    const cut = instant(other.cut_at) ?? Number.POSITIVE_INFINITY;
    const elapsedMs = other.elapsed_ms + Math.min(othersAt, cut) - asOf;
    all += spent(other, elapsedMs, othersAt >= cut);
    // Digits that stand at the end of the lease or the cut of this timer stand together.
    const stands = snapshot.timer.running && numbers.nextMs === null;
    if (!stands && othersAt === at && at < cut)
      numbers.nextMs = Math.min(numbers.nextMs ?? 1000, 1000 - (elapsedMs % 1000), cut - at);
  }
  // Records within their grace may hold more than there is, until they stop.
  if (numbers.balance !== null) numbers.balance = credits(most(0n, micros(numbers.balance) - all));
  return numbers;
}

/** Milliseconds since 1970 of an RFC 3339 instant; null for null. */
export function instant(text: string | null): number | null {
  return text === null ? null : Date.parse(text);
}

/** The numbers, with the balance of the snapshot, and what the record has spent since. */
type Spending = [Measure, bigint];

function stopped(snapshot: Snapshot, at: number): Spending {
  const rechargeUntil = instant(snapshot.timer.recharge_until);
  const rechargeMs = rechargeUntil === null ? null : Math.max(0, rechargeUntil - at);
  const numbers = {
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
  return [numbers, 0n];
}

function running(snapshot: Snapshot, at: number, leaseUntil: number | null): Spending {
  const { chat, timer, elapsed_ms, allowance_ms } = snapshot;
  const tariff = pricing(snapshot);
  const asOf = Date.parse(snapshot.server_time);
  const since = instant(timer.since) ?? asOf;
  const endsAt = instant(timer.cut_at);
  const cap = Math.min(endsAt ?? Number.POSITIVE_INFINITY, leaseUntil ?? Number.POSITIVE_INFINITY);
  const instantShown = Math.max(since, Math.min(at, cap));
  const progressMs = instantShown - asOf;
  const elapsedMs = elapsed_ms + progressMs;
  const chatElapsedMs = chat.duration_ms + progressMs;
  const now = price(tariff, Math.floor(elapsedMs) - allowance_ms);
  const numbers = {
    elapsedMs,
    chatElapsedMs,
    freeMs: Math.max(0, allowance_ms - elapsedMs),
    billedMs: now.billedMs,
    cost: credits(now.micros),
    balance: snapshot.balance,
    endsAt,
    remainingMs: endsAt === null ? null : Math.max(0, endsAt - instantShown),
    rechargeMs: null,
    nextMs: at >= cap ? null : Math.min(1000 - (elapsedMs % 1000), 1000 - (chatElapsedMs % 1000), cap - at),
  };
  return [numbers, spent({ tariff, elapsed_ms, allowance_ms }, elapsedMs, at >= cap)];
}

/**
 * The credit that a running record has spent since the snapshot, in micro-credits. While its timer runs, the whole
 * increment in progress is held, within the grace as well. A timer that has stopped owes the price of its time.
 */
function spent(
  { tariff, elapsed_ms, allowance_ms }: Omit<AlsoRunning, "cut_at">,
  elapsedMs: number,
  hasStopped: boolean,
): bigint {
  const held = (ms: number) => price(tariff, ms + 1 - allowance_ms, { grace: false }).micros;
  const elapsed = Math.floor(elapsedMs);
  const owed = hasStopped ? price(tariff, elapsed - allowance_ms).micros : held(elapsed);
  return owed - held(elapsed_ms);
}
