/** The documents and messages that travel between the service and a screen: see `docs/reference/http-documents.md`. */

/** Credits as an exact decimal string, at most six places: "8.75". Never a float. */
export type Credits = string;

/** RFC 3339, UTC, milliseconds: "2026-01-05T10:00:01.250Z". */
export type Instant = string;

export interface Tier {
  from_seconds: number;
  rate: Credits;
  per_seconds: number;
  /** 1 when absent. */
  increment_seconds?: number;
}

/** What time costs. Every field but `tiers` has a default: see `docs/reference/tariff.md`. */
export interface Tariff {
  connect_fee?: Credits;
  free_seconds?: number;
  grace_seconds?: number;
  tiers: readonly Tier[];
  boundary?: "ceil" | "begun";
  minimum_charge?: Credits;
  max_cost?: Credits | null;
  at_max_cost?: "free" | "stop";
  rounding?: { places?: number; mode?: "up" | "down" | "half_up" };
}

export type Reason =
  | "stopped"
  | "paused"
  | "out_of_credit"
  | "user_away"
  | "advisor_away"
  | "abandoned"
  | "switched"
  | "timer_failed"
  | "max_cost";

export interface ConversationRecord {
  id: string;
  state: "running" | "paused" | "ended";
  reason: Reason | null;
  user_id: string;
  advisor_id: string;
  current_chat_id: string;
  started_at: Instant;
  /** When the pause began; null while the record runs and after it has ended. */
  paused_at?: Instant | null;
  /** Who paused the record; null where the pause was not a person's act. */
  paused_by?: "user" | "advisor" | "operator" | "service" | null;
  ended_at: Instant | null;
}

/** Everything one screen needs, as of `server_time`. */
export interface Snapshot {
  server_time: Instant;
  sequence: number;
  /** The chat's latest record; null when the chat never had a record. */
  record: ConversationRecord | null;
  chat: { id: string; user_id: string; advisor_id: string; duration_ms: number };
  timer: {
    running: boolean;
    since: Instant | null;
    lease_until: Instant | null;
    cut_at: Instant | null;
    recharge_until: Instant | null;
  };
  /** The record's running time over all its chats. */
  elapsed_ms: number;
  /** What was left of the pair's allowance when the record started. */
  allowance_ms: number;
  /** What is left of the allowance now. */
  free_remaining_ms: number;
  billed_ms: number;
  cost: Credits;
  /** The credit that the user has available now. */
  balance: Credits;
  /** The record's tariff, or the advisor's current tariff when there is no record. */
  tariff: Tariff;
  tariff_version: number;
}

export interface Message {
  id: string;
  chat_id: string;
  position: number;
  client_id: string;
  sender: "user" | "advisor";
  text: string;
  at: Instant;
}

/** An RFC 9457 problem document; `code` is the stable name of the problem. */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  [extension: string]: unknown;
}

/** For each watched chat that runs: the chat's id, and the instant at which its lease ends. */
export type Leases = Record<string, Instant>;

export type ServerMessage =
  | { type: "snapshot"; chat_id: string; snapshot: Snapshot }
  | { type: "message"; chat_id: string; message: Message }
  | { type: "typing"; chat_id: string; party: "user" | "advisor" }
  | {
      type: "pong";
      c0: number;
      s1: number;
      s2: number;
      /** How far the times of the node that answers can be from engine time, in ms. */
      error_ms?: number;
      epoch: string | number;
      leases?: Leases;
    }
  | { type: "heartbeat"; s2: number; epoch: string | number; leases: Leases }
  | { type: "problem"; problem: Problem; chat_id?: string; client_id?: string };

export type ClientMessage =
  | { type: "hello"; token: string }
  | { type: "watch"; chat_id: string }
  | { type: "unwatch"; chat_id: string }
  | { type: "ping"; c0: number }
  | { type: "heartbeat" }
  | { type: "message"; chat_id: string; client_id: string; text: string }
  | { type: "typing"; chat_id: string };

/** What the timer on the screen is doing; the `state` attribute of `<talk-time>`. */
export type TimerState = "syncing" | "running" | "paused" | "reconnecting" | "ended";

/** What the timer shows at the moment at which it is read. */
export interface Reading {
  /** The chat's own running time; null before the first digits are known. */
  elapsedMs: number | null;
  /** The most that `elapsedMs` can differ from the server's number. */
  errorMs: number;
  state: TimerState;
  /** The user's available credit at that moment; null before the first snapshot. */
  balance: Credits | null;
}

/** Everything that changes with time. All numbers of a frame belong to one instant: paint them together. */
export interface Frame extends Reading {
  /** Why the timer does not run; null while it runs, and when there is no record yet. */
  reason: Reason | null;
  /** The record's running time over all its chats. */
  recordElapsedMs: number;
  /** Free time left. */
  freeMs: number;
  cost: Credits;
  billedMs: number;
  /** Engine time of the frame, in ms since 1970; null until the clock is known. */
  at: number | null;
  /** Engine time at which the credit or `max_cost` ends the timer; null when neither does, or when no timer runs. */
  endsAt: number | null;
  /** `endsAt` minus `at`. */
  remainingMs: number | null;
  /** What is left of the recharge window; null when the record does not wait for credit. */
  rechargeMs: number | null;
  /** The facts that the frame was computed from; null before the first snapshot. */
  snapshot: Snapshot | null;
}

/** What an advisor gets of what their users pay. */
export interface Terms {
  /** From 0 to 100, at most 4 decimals. */
  share_percent: number;
  /** Taken before the split, for each minute of billed time. "0.00" when absent. */
  fee_per_minute?: Credits;
  /** Taken before the split, for each session that costs something. "0.00" when absent. */
  fee_per_session?: Credits;
}

/** An uninterrupted part of a record's running time, for one chat. */
export interface Segment {
  chat_id: string;
  started_at: Instant;
  /** Null while it runs. */
  ended_at: Instant | null;
  duration_ms: number;
  /** Why it ended; null while it runs. */
  reason: Reason | null;
  /** Who caused its end; null where nobody noted that. */
  caused_by: string | null;
}

/** Time of a record that was not billed: from when to when, why, and who caused it. */
export interface Gap {
  started_at: Instant;
  /** Null while it goes on; then `duration_ms` is as of the receipt's `server_time`. */
  ended_at: Instant | null;
  duration_ms: number;
  reason: Reason;
  caused_by: string | null;
}

/** A line of the ledger: a charge is negative, a refund positive. `gift` is the part that was given, not bought. */
export interface Entry {
  id: string;
  amount: Credits;
  gift: Credits;
  kind: "charge" | "refund";
  at: Instant;
  record_id: string | null;
  reference: string | null;
  reason: string | null;
  expires_at: Instant | null;
}

/** The same line with its other sides. A line of kind `share` moves fees alone, and takes nothing from the user. */
export interface SharedEntry {
  id: string;
  at: Instant;
  kind: "charge" | "share" | "refund";
  amount: Credits;
  advisor_amount: Credits;
  platform_amount: Credits;
  /** What of the platform's amount are fees. */
  fees: Credits;
  /** Who bears a refund. */
  borne_by: "platform" | "advisor" | "shared" | null;
}

/** A record's bill, with everything that it follows from. */
export interface Receipt {
  server_time: Instant;
  record: Required<ConversationRecord>;
  user_name: string;
  advisor_name: string;
  tariff: Tariff;
  tariff_version: number;
  /** The free time that the pair had used before this record. */
  free_ms_before: number;
  segments: Segment[];
  gaps: Gap[];
  /** The leases that ended a segment. */
  leases: { party: "user" | "advisor"; ended_at: Instant | null }[];
  elapsed_ms: number;
  billed_ms: number;
  cost: Credits;
  lines: { text: string; amount: Credits }[];
  entries: Entry[];
  /** The part of the cost that is not charged yet. */
  unposted: Credits;
  totals: Record<"charged" | "refunded" | "paid" | "gift" | "bought", Credits>;
  /** On receipts for the advisor, operators and the service; the user's has none. */
  shares?: { terms: Terms; advisor: Credits; fees: Credits; platform: Credits; entries: SharedEntry[] };
  how_to_recompute: string;
  fingerprint: string;
}

/** Any value of a JSON document. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
