/** Why the timer is not running, and what can be done about it. Pure. */

import { countdown } from "../../src/core/digits.ts";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { clock, minutes, reason } from "./words.ts";

/** Whose eyes look at the page; an operator looks on. */
export type Viewer = "user" | "advisor" | "operator";

export interface Acts {
  /** The words on the button that starts, continues or moves here; null when there is none. */
  start: string | null;
  pause: boolean;
  resume: boolean;
  stop: boolean;
}

export interface Explanation {
  tone: "calm" | "warn";
  title: string;
  text: string;
  /** A page that helps, and what its link says. */
  link?: { page: string; text: string };
  /** Adding credit helps. */
  topUp?: boolean;
}

const NONE: Acts = { start: null, pause: false, resume: false, stop: false };

/** Whether the record is active, but at another chat than the page's. */
export function movedAway({ record, chat }: Snapshot): boolean {
  return record !== null && record.state !== "ended" && record.current_chat_id !== chat.id;
}

/** What the viewer may do now. Starting is the user's act alone; an advisor can pause, resume and stop. */
export function actsOf(snapshot: Snapshot, viewer: Viewer): Acts {
  const { record } = snapshot;
  const user = viewer === "user";
  if (record === null) return { ...NONE, start: user ? "Start" : null };
  if (record.state === "ended") return { ...NONE, start: user ? "Start again" : null };
  if (movedAway(snapshot)) return { ...NONE, start: user ? "Continue here" : null, stop: true };
  const side = viewer !== "operator";
  if (record.state === "running") return { ...NONE, pause: side, stop: true };
  return { ...NONE, resume: side && record.reason === "paused", stop: true };
}

/** What to say, or null while the timer runs and all is well. `other` is the other side's name. */
export function explain(frame: Frame, viewer: Viewer, other: string): Explanation | null {
  const { snapshot } = frame;
  if (!snapshot) return null;
  if (frame.state === "reconnecting") {
    return {
      tone: "warn",
      title: "Connecting again…",
      text: "The server keeps the time. If nobody is heard for long, it stops and nothing more is charged.",
    };
  }
  const { record } = snapshot;
  const user = viewer === "user";
  if (record === null) {
    const text = user ? "Time begins when you press Start." : `Time begins when ${other} starts it.`;
    return { tone: "calm", title: "Not started yet", text };
  }
  if (record.state === "ended") return ended(snapshot, user);
  if (movedAway(snapshot)) {
    return {
      tone: "calm",
      title: "The conversation moved to another chat",
      text: "The time of this chat stands still.",
      link: { page: `/chat/${encodeURIComponent(record.current_chat_id)}`, text: "Go to that chat" },
    };
  }
  return record.state === "paused" ? paused(frame, viewer, other) : null;
}

function ended({ record }: Snapshot, user: boolean): Explanation {
  const why = {
    out_of_credit: user ? "Your credits ran out." : "The credits ran out.",
    abandoned: "It was left alone for long; the time alone is not charged.",
    user_away: user ? "You were away." : "The user was away.",
    advisor_away: "The advisor was away.",
    max_cost: "The highest cost of a conversation was reached.",
  }[record?.reason as string];
  return {
    tone: "calm",
    title: "The conversation has ended",
    text: why ?? "Thank you for talking.",
    ...(record && { link: { page: `/receipts/${encodeURIComponent(record.id)}`, text: "See the receipt" } }),
  };
}

function paused(frame: Frame, viewer: Viewer, other: string): Explanation {
  const user = viewer === "user";
  switch (frame.snapshot?.record?.reason) {
    case "out_of_credit":
      return {
        tone: "warn",
        title: user ? "Your credits have run out" : `${other} is out of credit`,
        text: `${user ? "Top up and it goes on by itself." : "A top-up lets it go on."} ${patience(frame)}`,
        topUp: user,
      };
    case "user_away":
      return user ? returning("You were away") : waiting(other);
    case "advisor_away":
      return user ? waiting(other) : returning("You were away");
    case "timer_failed":
      return {
        tone: "calm",
        title: "Starting…",
        text: "The timer is about to run. This time costs nothing.",
      };
    default:
      return {
        tone: "calm",
        title: whoPaused(frame, viewer, other),
        text: "Nothing is charged until somebody continues.",
      };
  }
}

function whoPaused({ snapshot }: Frame, viewer: Viewer, other: string): string {
  const by = snapshot?.record?.paused_by;
  if (by !== "user" && by !== "advisor") return "Paused";
  if (viewer === "operator") return `The ${by} paused`;
  return by === viewer ? "You paused" : `${capital(other)} paused`;
}

function waiting(other: string): Explanation {
  const text = "Nothing is charged. It goes on by itself when they come back.";
  return { tone: "calm", title: `${other} is away`, text };
}

function returning(title: string): Explanation {
  return { tone: "calm", title, text: "It goes on by itself in a moment. Nothing was charged meanwhile." };
}

/** How long the record still waits for credit. The only countdown: it is short. */
function patience({ rechargeMs }: Frame): string {
  if (rechargeMs === null) return "Nothing is charged meanwhile.";
  return `It waits ${countdown(rechargeMs)} more, and nothing is charged meanwhile.`;
}

/** "Paused", "Free time", … for the pill beside the timer; null when there is nothing to name. */
export function phaseOf(frame: Frame): { phase: "free" | "paid" | "still" | "done"; text: string } | null {
  const record = frame.snapshot?.record;
  if (!frame.snapshot || !record) return null;
  if (record.state === "ended") return { phase: "done", text: "Ended" };
  // What is shown may be over: it is not for us to say that it is still paid for.
  if (frame.state === "reconnecting") return { phase: "still", text: "Connecting…" };
  if (movedAway(frame.snapshot)) return { phase: "done", text: "Elsewhere" };
  if (record.state === "paused") {
    const named = record.reason === "paused" || record.reason === null ? "paused" : reason(record.reason);
    return { phase: "still", text: record.reason === "timer_failed" ? "Starting…" : capital(named) };
  }
  return frame.freeMs > 0 ? { phase: "free", text: "Free time" } : { phase: "paid", text: "Paid time" };
}

/**
 * How long the credit lasts at this rate: "Enough for about 7 min, until 14:32"; "" while the timer stands or the clock
 * isn't known yet.
 */
export function forecast(frame: Frame, viewer: Viewer, other: string): string {
  if (!frame.snapshot?.timer.running || frame.at === null) return "";
  const user = viewer === "user";
  if (frame.remainingMs === null || frame.endsAt === null)
    return `${user ? "Your" : `${other}’s`} credits don’t run out at this price.`;
  const left = minutes(frame.remainingMs);
  const about = frame.remainingMs < 60_000 ? left : `about ${left}`;
  const until =
    frame.remainingMs > 20 * 3_600_000 ? "" : `, until ${clock(new Date(frame.endsAt).toISOString())}`;
  return `${user ? "Enough for" : `${other} can go on for`} ${about}${until}`;
}

const WARNINGS = [
  [30_000, "Less than 30 seconds of credit left"],
  [60_000, "Less than a minute of credit left"],
  [120_000, "Less than 2 minutes of credit left"],
  [300_000, "Less than 5 minutes of credit left"],
] as const;

/** The warning that is due, and what part of the five minutes is left (0 to 1); null when there is none. */
export function warning(frame: Frame): { text: string; left: number } | null {
  const { remainingMs } = frame;
  if (remainingMs === null || !frame.snapshot?.timer.running) return null;
  const due = WARNINGS.find(([within]) => remainingMs <= within);
  return due ? { text: due[1], left: Math.max(0, remainingMs / 300_000) } : null;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
