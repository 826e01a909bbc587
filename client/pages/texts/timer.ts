/** What a page says about a timer: why it does not run, what a person can do, how long the credit lasts. */

import { countdown } from "../../src/core/digits.ts";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { hourAndMinute, minutes, reason } from "./words.ts";

/** Who reads the page. An operator only looks on. */
export type Viewer = "user" | "advisor" | "operator";

export interface Acts {
  /** The text of the button that starts, resumes or switches; null for no button. */
  start: string | null;
  pause: boolean;
  resume: boolean;
  stop: boolean;
}

export interface Explanation {
  tone: "calm" | "warn";
  title: string;
  text: string;
  /** A page that helps, and the text of the link to it. */
  link?: { page: string; text: string };
  /** Whether more credit helps. */
  topUp?: boolean;
}

const NONE: Acts = { start: null, pause: false, resume: false, stop: false };

/** Whether the active record is in another chat than the one on the page. */
export function hasMoved({ record, chat }: Snapshot): boolean {
  return record !== null && record.state !== "ended" && record.current_chat_id !== chat.id;
}

/** What the viewer may do now. Only a user can start; an advisor can pause, resume and stop. */
export function actsOf(snapshot: Snapshot, viewer: Viewer): Acts {
  const { record } = snapshot;
  const user = viewer === "user";
  if (record === null) return { ...NONE, start: user ? "Start" : null };
  if (record.state === "ended") return { ...NONE, start: user ? "Start again" : null };
  if (hasMoved(snapshot)) return { ...NONE, start: user ? "Continue here" : null, stop: true };
  const isParty = viewer !== "operator";
  if (record.state === "running") return { ...NONE, pause: isParty, stop: true };
  return { ...NONE, resume: isParty && record.reason === "paused", stop: true };
}

/** Why the timer does not run; null while it runs. `other` is the name of the other party. */
export function explanationOf(frame: Frame, viewer: Viewer, other: string): Explanation | null {
  const { snapshot } = frame;
  if (!snapshot) return null;
  if (frame.state === "reconnecting") {
    return {
      tone: "warn",
      title: "Connecting again…",
      text: "The server keeps the time. If the connection stays away, the timer stops and nothing more is charged.",
    };
  }
  const { record } = snapshot;
  const user = viewer === "user";
  if (record === null) {
    const text = user ? "Time begins when you press Start." : `Time begins when ${other} starts it.`;
    return { tone: "calm", title: "Not started yet", text };
  }
  if (record.state === "ended") return ended(snapshot, user);
  if (hasMoved(snapshot)) {
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
    abandoned: "Nobody came back for a long time. That time is not charged.",
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
        text: `${user ? "Top up and it goes on by itself." : "A top-up lets it go on."} ${rechargeText(frame)}`,
        topUp: user,
      };
    case "user_away":
      return user ? viewerAway("You were away") : otherAway(other);
    case "advisor_away":
      return user ? otherAway(other) : viewerAway("You were away");
    case "timer_failed":
      return {
        tone: "calm",
        title: "Starting…",
        text: "The timer is about to run. This time costs nothing.",
      };
    default:
      return {
        tone: "calm",
        title: pauseTitle(frame, viewer, other),
        text: "Nothing is charged until somebody continues.",
      };
  }
}

function pauseTitle({ snapshot }: Frame, viewer: Viewer, other: string): string {
  const by = snapshot?.record?.paused_by;
  if (by !== "user" && by !== "advisor") return "Paused";
  if (viewer === "operator") return `The ${by} paused`;
  return by === viewer ? "You paused" : `${capitalized(other)} paused`;
}

function otherAway(other: string): Explanation {
  const text = "Nothing is charged. It goes on by itself when they come back.";
  return { tone: "calm", title: `${other} is away`, text };
}

function viewerAway(title: string): Explanation {
  return { tone: "calm", title, text: "It goes on by itself in a moment. Nothing was charged meanwhile." };
}

/** How long the record still waits for credit. */
function rechargeText({ rechargeMs }: Frame): string {
  if (rechargeMs === null) return "Nothing is charged meanwhile.";
  return `It waits ${countdown(rechargeMs)} more, and nothing is charged meanwhile.`;
}

/** The phase that stands beside the timer: "Paused", "Free time" and so on; null before there is a record. */
export function phaseOf(frame: Frame): { phase: "free" | "paid" | "still" | "done"; text: string } | null {
  const record = frame.snapshot?.record;
  if (!frame.snapshot || !record) return null;
  if (record.state === "ended") return { phase: "done", text: "Ended" };
  // Without a connection the page does not know whether paid time still runs.
  if (frame.state === "reconnecting") return { phase: "still", text: "Connecting…" };
  if (hasMoved(frame.snapshot)) return { phase: "done", text: "Elsewhere" };
  if (record.state === "paused") {
    const named = record.reason === "paused" || record.reason === null ? "paused" : reason(record.reason);
    return { phase: "still", text: record.reason === "timer_failed" ? "Starting…" : capitalized(named) };
  }
  return frame.freeMs > 0 ? { phase: "free", text: "Free time" } : { phase: "paid", text: "Paid time" };
}

/**
 * How long the credit lasts at this rate: "Enough for about 7 min, until 14:32". It is "" while no timer runs and before
 * engine time is known.
 */
export function forecast(frame: Frame, viewer: Viewer, other: string): string {
  if (!frame.snapshot?.timer.running || frame.at === null) return "";
  const user = viewer === "user";
  if (frame.remainingMs === null || frame.endsAt === null)
    return `${user ? "Your" : `${other}’s`} credits don’t run out at this price.`;
  const left = minutes(frame.remainingMs);
  const about = frame.remainingMs < 60_000 ? left : `about ${left}`;
  const until =
    frame.remainingMs > 20 * 3_600_000
      ? ""
      : `, until ${hourAndMinute(new Date(frame.endsAt).toISOString())}`;
  return `${user ? "Enough for" : `${other} can go on for`} ${about}${until}`;
}

const WARNINGS = [
  [30_000, "Less than 30 seconds of credit left"],
  [60_000, "Less than a minute of credit left"],
  [120_000, "Less than 2 minutes of credit left"],
  [300_000, "Less than 5 minutes of credit left"],
] as const;

/** The warning that is due, and the part of the last five minutes that is left (0 to 1); null for no warning. */
export function warning(frame: Frame): { text: string; left: number } | null {
  const { remainingMs } = frame;
  if (remainingMs === null || !frame.snapshot?.timer.running) return null;
  const due = WARNINGS.find(([within]) => remainingMs <= within);
  return due ? { text: due[1], left: Math.max(0, remainingMs / 300_000) } : null;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
