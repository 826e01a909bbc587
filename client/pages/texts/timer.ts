/** What a page says about a timer: why it does not run, what a person can do, how long the credit lasts. */

import { countdown, stopwatch } from "../../src/core/digits.ts";
import { credits, micros, price } from "../../src/core/price.ts";
import type { ConversationRecord, Frame, Party, Snapshot } from "../../src/core/types.ts";
import { encodeId } from "../../src/request.ts";
import {
  graceEndMs,
  hasCreditAgain,
  hasMoved,
  heldMicros,
  missingCredit,
  type Viewer,
} from "../../src/talk/acts.ts";
import { absentee, isAbsence, neverCame, reasonNow } from "../../src/talk/presence.ts";
import { filled } from "../../src/words.ts";
import { say, talkWords, type Word } from "./language.ts";
import { hourAndMinute, minutes, money, reason } from "./words.ts";

export interface Explanation {
  tone: "calm" | "warn";
  title: string;
  text: string;
  /** A page that helps, and the text of the link to it. */
  link?: { page: string; text: string };
  /** Whether more credit helps. */
  topUp?: boolean;
}

/** Why the timer does not run; null while it runs. `other` is the name of the other party. */
export function explanationOf(frame: Frame, viewer: Viewer, other: string): Explanation | null {
  const { snapshot } = frame;
  if (!snapshot) return null;
  if (frame.state === "reconnecting") return disconnected(frame, snapshot, viewer, other);
  if (frame.isStanding)
    return { tone: "warn", title: say("standsTitle"), text: say("standsText", { other }) };
  return stateOf(frame, snapshot, viewer, other);
}

/** What the state is, as far as a page without a connection knows it, and what the missing connection changes. */
function disconnected(frame: Frame, snapshot: Snapshot, viewer: Viewer, other: string): Explanation {
  const title = say(isOffline() ? "offline" : "connectingAgain");
  const state = stateOf(frame, snapshot, viewer, other);
  if (state === null || snapshot.record?.reason === "timer_failed")
    return { tone: "warn", title, text: say(frame.isStanding ? "standsOffline" : "serverKeepsTime") };
  const isAway = isAbsence(snapshot.record?.reason ?? null) && absenteeOf(snapshot, viewer) === viewer;
  if (isAway) return { tone: "warn", title, text: say("nothingMeanwhile") };
  const endsCall = viewer === "user" && snapshot.record?.state === "requested" && !hasMoved(snapshot);
  const texts = [state.text, isOffline() ? `${title}.` : title, endsCall ? say("offlineEndsCall") : ""];
  return { ...state, tone: "warn", text: texts.join(" ").trim() };
}

/** What the state of the record is; null while its timer runs in this chat. */
function stateOf(frame: Frame, snapshot: Snapshot, viewer: Viewer, other: string): Explanation | null {
  const { record } = snapshot;
  const user = viewer === "user";
  if (record === null)
    return calm(say("notStarted"), user ? say("pressStart") : say("otherStarts", { other }));
  if (record.state === "ended") return ended(snapshot, record, viewer, other);
  if (hasMoved(snapshot)) {
    const link = { page: `/chat/${encodeId(record.current_chat_id)}`, text: say("movedLink") };
    return { ...calm(say("movedTitle"), say(MOVED[record.state])), link };
  }
  if (record.state === "requested") return requested(frame, viewer, other);
  return record.state === "paused" ? paused({ ...frame, snapshot }, viewer, other) : null;
}

const MOVED = { requested: "movedCall", running: "movedText", paused: "movedPaused" } as const;

function calm(title: string, text: string): Explanation {
  return { tone: "calm", title, text };
}

function requested(frame: Frame, viewer: Viewer, other: string): Explanation {
  const left = ringText(frame);
  if (viewer === "advisor")
    return { tone: "warn", title: say("isCalling", { name: other }), text: say("acceptBegins") + left };
  const title = viewer === "user" ? say("calling", { other }) : say("callingAdvisor");
  return calm(title, say("callingText") + left);
}

/** How long the call still rings. */
function ringText({ at, snapshot }: Frame): string {
  const until = snapshot?.timer.ring_until;
  if (!until || at === null) return "";
  return ` ${say("ringsMore", { time: countdown(Math.max(0, Date.parse(until) - at)) })}`;
}

function ended(snapshot: Snapshot, record: ConversationRecord, viewer: Viewer, other: string): Explanation {
  const words = talkWords();
  const link = { page: `/receipts/${encodeId(record.id)}`, text: say("seeReceipt") };
  // A record that never ran costs nothing, whatever its tariff is.
  const nothing = snapshot.elapsed_ms === 0 ? words.nothingCharged : "";
  if (record.reason === "declined" && record.ended_by === viewer)
    return { ...calm(words.youDeclined, nothing), link };
  const isCall = record.starts === "accepted" && snapshot.elapsed_ms === 0;
  const texts = [endText(snapshot, record, viewer, other), nothing];
  return { ...calm(endTitle(record, viewer, other, isCall), texts.join(" ").trim()), link };
}

/** Why the record has ended; "" where the title says that of a record that never ran. */
function endText(snapshot: Snapshot, record: ConversationRecord, viewer: Viewer, other: string): string {
  const words = talkWords();
  const why = record.decline_reason;
  switch (record.reason) {
    case "declined":
      return why ? filled(words.declinedWhy, { why }) : `${words.declined}.`;
    case "missed":
      return `${viewer === "advisor" ? words.youMissed : words.missed}.`;
    case "out_of_credit":
      return words.creditsOut;
    case "max_cost":
      return words.maximumReached;
    case "abandoned":
      if (!neverCame(snapshot)) return say("abandonedText");
      if (viewer === "advisor") return `${words.youDidNotCome}.`;
      return `${filled(words.didNotCome, { name: capitalized(viewer === "user" ? other : say("theAdvisor")) })}.`;
    case "user_away":
      return say(viewer === "user" ? "youWereAway" : "userWasAway");
    case "advisor_away":
      return say("advisorWasAway");
    default:
      return snapshot.elapsed_ms === 0 || viewer === "operator" ? "" : say("thankYou");
  }
}

/** Says who ended the conversation, where that was a person. The host may have done so for either of the two. */
function endTitle(
  { reason: code, ended_by: by }: ConversationRecord,
  viewer: Viewer,
  other: string,
  isCall: boolean,
): string {
  const words = talkWords();
  if (code !== "stopped" || !by || by === "service") return words.ended;
  if (by === viewer && viewer !== "operator") return isCall ? words.youCancelled : words.youEnded;
  const name = capitalized(by === "operator" || viewer === "operator" ? say(NAMES[by]) : other);
  return filled(isCall ? words.otherCancelled : words.otherEnded, { name });
}

const NAMES = { user: "theUser", advisor: "theAdvisor", operator: "theOperator" } as const;

function paused(frame: Frame & { snapshot: Snapshot }, viewer: Viewer, other: string): Explanation {
  const user = viewer === "user";
  switch (frame.snapshot.record?.reason) {
    case "out_of_credit":
      return outOfCredit(frame, frame.snapshot, user, other);
    case "user_away":
    case "advisor_away":
      return away(frame, frame.snapshot, viewer, other);
    case "timer_failed":
      return calm(say("startingTitle"), say("startingText"));
    case "paused":
      return calm(pauseTitle(frame, viewer, other), pauseText(frame, viewer, other) + pauseEndText(frame));
    default: // the reason of a newer server, which may let the record resume by itself
      return calm(say("pausedTitle"), say("nothingMeanwhile"));
  }
}

function outOfCredit(frame: Frame, snapshot: Snapshot, user: boolean, other: string): Explanation {
  const isAlone = user && snapshot.presence?.advisor === false;
  if (user && hasCreditAgain(snapshot)) {
    // A resume of a record that runs at once gives both parties a lease.
    const waits = isAlone && snapshot.record?.starts !== "at_once";
    const helps = say(waits ? "creditAgainWaits" : "creditAgainText", { other });
    return { tone: "warn", title: say("creditAgainTitle"), text: `${helps} ${rechargeText(frame)}` };
  }
  const helps = isAlone ? say("topUpWaits", { other }) : user ? topUpText(snapshot) : say("topUpLets");
  return {
    tone: "warn",
    title: user ? say("yourCreditsHaveRunOut") : say("otherOutOfCredit", { other }),
    text: `${helps} ${rechargeText(frame)}`,
    topUp: user,
  };
}

/** The least that has to be topped up, where the page knows it: with less, the record goes on waiting. */
function topUpText(snapshot: Snapshot): string {
  const missing = missingCredit(snapshot);
  return missing === null ? say("topUpGoesOn") : say("topUpAtLeast", { amount: money(credits(missing)) });
}

function away(frame: Frame, snapshot: Snapshot, viewer: Viewer, other: string): Explanation {
  const absent = absenteeOf(snapshot, viewer);
  if (absent === viewer) return calm(say("youWereAwayTitle"), say("viewerAwayText"));
  const name = viewer === "operator" ? say(NAMES[absent]) : other;
  if (absent === "advisor" && snapshot.elapsed_ms === 0)
    return calm(
      say("waitingFor", { other: name }),
      say("waitingText") + pauseEndText(frame, "waitEnds", name),
    );
  const title = capitalized(say("otherAwayTitle", { other: name }));
  return calm(title, say("otherAwayText") + pauseEndText(frame, "absenceEnds"));
}

function absenteeOf({ record, presence }: Snapshot, viewer: Viewer): Party {
  return absentee({ reason: record?.reason ?? null, presence }, viewer);
}

function pauseTitle({ snapshot }: Frame, viewer: Viewer, other: string): string {
  const by = snapshot?.record?.paused_by;
  if (by !== "user" && by !== "advisor") return say("pausedTitle");
  if (viewer === "operator") return say(by === "user" ? "pausedByUser" : "pausedByAdvisor");
  return by === viewer ? say("youPaused") : say("otherPaused", { other: capitalized(other) });
}

/** Who can let the record go on: the user, and an advisor who has paused it. */
function pauseText({ snapshot }: Frame, viewer: Viewer, other: string): string {
  // An advisor can let the conversation go on only while the user is there.
  const isAlone = viewer === "advisor" && snapshot?.presence?.user === false;
  if (snapshot?.record?.paused_by === "advisor" && !isAlone)
    return say(viewer === "operator" ? "nothingMeanwhile" : "untilSomebody");
  if (viewer === "user") return say("untilYou");
  return say("untilOther", { other: viewer === "advisor" ? other : say("theUser") });
}

/** When a wait that nobody ends will end the conversation. `name` is who is missing. */
function pauseEndText({ snapshot }: Frame, words: Word = "pauseEnds", name = ""): string {
  const until = snapshot?.timer.abandon_until;
  return until ? ` ${say(words, { name, time: hourAndMinute(until) })}` : "";
}

function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** How long the record still waits for credit. */
function rechargeText({ rechargeMs }: Frame): string {
  return rechargeMs === null ? say("nothingMeanwhile") : say("waitsMore", { time: countdown(rechargeMs) });
}

/** The phase that stands beside the timer: "Paused", "Free time" and so on; null before there is a record. */
export function phaseOf(
  frame: Frame,
  viewer: Viewer,
): { phase: "free" | "paid" | "still" | "done"; text: string } | null {
  const record = frame.snapshot?.record;
  if (!frame.snapshot || !record) return null;
  if (record.state === "ended") return { phase: "done", text: say("phaseEnded") };
  // Without a connection the page does not know whether time still runs.
  if (frame.state === "reconnecting" && record.state === "running" && !hasMoved(frame.snapshot))
    return { phase: "still", text: say(isOffline() ? "phaseOffline" : "phaseConnecting") };
  if (frame.isStanding) return { phase: "still", text: say("phaseStands") };
  if (hasMoved(frame.snapshot)) return { phase: "done", text: say("phaseElsewhere") };
  if (record.state === "requested") return { phase: "still", text: say("phaseRinging") };
  if (record.state === "paused") {
    const { presence } = frame.snapshot;
    const code = reasonNow({ reason: record.reason, presence }, viewer);
    if (code === "advisor_away" && frame.elapsedMs === 0)
      return { phase: "still", text: say("phaseWaiting") };
    const isPause =
      code === "paused" || code === null || (viewer === "user" && hasCreditAgain(frame.snapshot));
    const named = isPause ? say("paused") : reason(code, viewer);
    return {
      phase: "still",
      text: record.reason === "timer_failed" ? say("startingTitle") : capitalized(named),
    };
  }
  if (frame.freeMs > 0) return { phase: "free", text: say("phaseFree") };
  const graceMs = graceEndMs(frame, frame.snapshot);
  return graceMs === null
    ? { phase: "paid", text: say("phasePaid") }
    : { phase: "free", text: filled(talkWords().graceUntil, { time: stopwatch(graceMs) }) };
}

/** The user's credit that is held while the cost is still nothing; "" without any, and for others than the user. */
export function heldText(frame: Frame, viewer: Viewer): string {
  const held = viewer === "user" && frame.snapshot ? heldMicros(frame, frame.snapshot) : 0n;
  return held > 0n ? filled(talkWords().held, { amount: money(credits(held)) }) : "";
}

/**
 * How long the credit lasts at this rate: "Enough for about 7 min, until 14:32". It is "" while no timer runs and before
 * engine time is known.
 */
export function forecast(frame: Frame, viewer: Viewer, other: string): string {
  if (!frame.snapshot?.timer.running || frame.at === null || frame.isStanding) return "";
  const user = viewer === "user";
  if (frame.remainingMs === null || frame.endsAt === null)
    return say(user ? "yourCreditsLast" : "otherCreditsLast");
  const left = minutes(frame.remainingMs);
  const time = frame.remainingMs < 60_000 ? left : say("aboutTime", { time: left });
  const most = maximumThatEnds(frame);
  if (most !== null) return say("maximumEnds", { amount: money(most), time });
  const text = user ? say("enoughFor", { time }) : say("otherEnoughFor", { other, time });
  if (frame.remainingMs > 20 * 3_600_000) return text;
  return say("untilTime", { text, time: hourAndMinute(new Date(frame.endsAt).toISOString()) });
}

/** The maximum of the cost at which the record ends before the credit does; null where the credit ends first, or nothing. */
function maximumThatEnds({ snapshot, elapsedMs, remainingMs }: Frame): string | null {
  if (!snapshot || elapsedMs === null || remainingMs === null) return null;
  const { max_cost = null, at_max_cost } = snapshot.tariff;
  if (max_cost === null || at_max_cost !== "stop") return null;
  const pricedMs = Math.floor(elapsedMs) + Math.round(remainingMs) - snapshot.allowance_ms;
  // Some milliseconds more, because a frame is painted between two of them.
  return price(snapshot.tariff, pricedMs + 3, { grace: false }).micros > micros(max_cost) ? max_cost : null;
}

/** What is left, in few words: "2:58 free", "7 min left"; in a pause the user's credit; "" where the page says why nothing runs. */
export function leftText(frame: Frame): string {
  if (frame.state === "reconnecting" || frame.isStanding) return "";
  // No instant ends a timer that does not run: the user's credit is what is left.
  if (frame.snapshot?.record?.state === "paused" && frame.balance !== null)
    return say("timeLeft", { time: money(frame.balance) });
  if (!frame.snapshot?.timer.running) return "";
  if (frame.freeMs > 0) return say("timeFree", { time: countdown(frame.freeMs) });
  if (frame.remainingMs === null) return "";
  const time = frame.remainingMs < 60_000 ? countdown(frame.remainingMs) : minutes(frame.remainingMs);
  return say("timeLeft", { time });
}

/** What the record has brought the advisor so far; "" for the user, and where the advisor's terms give nothing. */
export function earnedText({ earned, snapshot }: Frame, viewer: Viewer): string {
  if (viewer === "user" || earned === null || Number(earned) === 0) return "";
  if (snapshot && hasMoved(snapshot)) return ""; // the time of this chat alone is shown
  return say(viewer === "advisor" ? "youHaveEarned" : "advisorHasEarned", { amount: money(earned) });
}

const WARNINGS = [
  [30_000, "left30Seconds"],
  [60_000, "left1Minute"],
  [120_000, "left2Minutes"],
  [300_000, "left5Minutes"],
] as const;

/** The warning that is due, and the part of the last five minutes that is left (0 to 1); null for no warning. */
export function warning(frame: Frame): { text: string; left: number } | null {
  const { remainingMs } = frame;
  if (remainingMs === null || !frame.snapshot?.timer.running) return null;
  const due = WARNINGS.find(([within]) => remainingMs <= within);
  if (!due) return null;
  const most = maximumThatEnds(frame);
  const isFreeToTheEnd = frame.freeMs >= remainingMs;
  const text =
    most !== null ? say("maximumSoon", { amount: money(most) }) : say(isFreeToTheEnd ? "freeSoon" : due[1]);
  return { text, left: Math.max(0, remainingMs / 300_000) };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
