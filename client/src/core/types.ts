/** The documents and messages that travel between the service and a screen: see `docs/reference/http-documents.md`. */

import type { components } from "./generated.ts";

/** The documents as `docs/reference/http-documents.md` describes them; their types are generated. */
type Documents = components["schemas"];

/** Credits as an exact decimal string, at most six places: "8.75". Never a float. */
export type Credits = string;

/** RFC 3339, UTC, milliseconds: "2026-01-05T10:00:01.250Z". */
export type Instant = string;

export type State = Documents["State"];
export type Reason = Documents["Reason"];
export type Starts = Documents["Starts"];
export type Role = Documents["Role"];
export type Cause = Documents["Cause"];
export type Party = Documents["Party"];
export type ConversationRecord = Documents["Record"];
export type AlsoRunning = WithTariff<Documents["AlsoRunning"]>;
export type Snapshot = Omit<WithTariff<Documents["Snapshot"]>, "also_running"> & {
  also_running?: readonly AlsoRunning[];
};
export type Offer = WithTariff<Documents["Offer"]>;
export type Message = Documents["Message"];
export type MessagePage = Documents["Messages"];
export type Segment = Documents["Segment"];
export type Gap = Documents["Gap"];
export type Entry = Documents["Entry"];
export type SharedEntry = Documents["SharedEntry"];
export type Receipt = WithTariff<Documents["Receipt"]>;

/** A tier of a tariff that may leave out what has a default. */
export type Tier = WithDefaults<Documents["Tier"], "increment_seconds">;

/** What time costs. Every field but `tiers` has a default: see `docs/reference/tariff.md`. */
export interface Tariff extends Partial<Omit<Documents["Tariff"], "tiers" | "rounding">> {
  tiers: readonly Tier[];
  rounding?: Partial<Documents["Rounding"]>;
}

/** The terms of an advisor: the share, and the fees, which have a default. */
export type Terms = WithDefaults<Documents["Terms"], "fee_per_minute" | "fee_per_session">;

type WithTariff<Document> = Omit<Document, "tariff"> & { tariff: Tariff };

type WithDefaults<Document, Field extends keyof Document> = Omit<Document, Field> &
  Partial<Pick<Document, Field>>;

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
  | { type: "typing"; chat_id: string; party: Party }
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
  | { type: "leases"; leases: Leases }
  | { type: "problem"; problem: Problem; chat_id?: string; client_id?: string };

export type ClientMessage =
  | { type: "hello"; token: string }
  | { type: "watch"; chat_id: string; presence?: boolean }
  | { type: "unwatch"; chat_id: string }
  | { type: "leave"; chat_id: string }
  | { type: "ping"; c0: number }
  | { type: "heartbeat" }
  | { type: "message"; chat_id: string; client_id: string; text: string }
  | { type: "typing"; chat_id: string };

/** What the timer on the screen is doing; the `state` attribute of `<talk-time>`. */
export type TimerState = "syncing" | "running" | "paused" | "reconnecting" | "ended";

/** What the timer shows at the moment at which it is read. */
export interface Reading {
  /** The record's running time over all its chats; null before the first digits are known. */
  elapsedMs: number | null;
  /** The most that `elapsedMs` can differ from the server's number. */
  errorMs: number;
  state: TimerState;
  /** The user's available credit at that moment; null before the first snapshot, and for the advisor. */
  balance: Credits | null;
}

/** Everything that changes with time. All numbers of a frame belong to one instant: paint them together. */
export interface Frame extends Reading {
  /** Why the timer does not run; null while it runs, and when there is no record yet. */
  reason: Reason | null;
  /** The chat's own running time, over all its records; null before the first digits are known. */
  chatElapsedMs: number | null;
  /** The advisor's share of `cost`; null before the first snapshot, and for the user. */
  earned: Credits | null;
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
  /** Whether the digits of a running timer stand at the end of its lease or credit, until the server says what has happened. */
  isStanding: boolean;
  /** The facts that the frame was computed from; null before the first snapshot. */
  snapshot: Snapshot | null;
}

/** Any value of a JSON document. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
