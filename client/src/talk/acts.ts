/** What a person can do in a chat. */

import { micros, price, pricing } from "../core/price.ts";
import type { Frame, Offer, Snapshot } from "../core/types.ts";

/** Who reads. An operator only looks on. */
export type Viewer = "user" | "advisor" | "operator";

export interface Acts {
  /** The name of the words on the button that starts a record, or brings it to this chat; null for no button. */
  start: "start" | "startAgain" | "continueHere" | null;
  accept: boolean;
  decline: boolean;
  pause: boolean;
  resume: boolean;
  stop: boolean;
}

const NONE: Acts = {
  start: null,
  accept: false,
  decline: false,
  pause: false,
  resume: false,
  stop: false,
};

/** Whether the active record is in another chat than the one on the page. */
export function hasMoved({ record, chat }: Snapshot): boolean {
  return record !== null && record.state !== "ended" && record.current_chat_id !== chat.id;
}

/**
 * What the viewer may do now. Only a user can start; an advisor can pause, stop, and resume the advisor's own pause while
 * the user is there.
 */
export function actsOf(snapshot: Snapshot, viewer: Viewer): Acts {
  const { record, presence } = snapshot;
  const user = viewer === "user";
  if (record === null) return { ...NONE, start: user ? "start" : null };
  if (record.state === "ended") return { ...NONE, start: user ? "startAgain" : null };
  if (hasMoved(snapshot)) return { ...NONE, start: user ? "continueHere" : null, stop: true };
  const isParty = viewer !== "operator";
  if (record.state === "requested")
    return viewer === "advisor" ? { ...NONE, accept: true, decline: true } : { ...NONE, stop: true };
  if (record.state === "running") return { ...NONE, pause: isParty, stop: true };
  const mayResume =
    user || (viewer === "advisor" && record.paused_by === "advisor" && presence?.user !== false);
  const resume = record.reason === "paused" ? mayResume : user && hasCreditAgain(snapshot);
  return { ...NONE, resume, stop: true };
}

/**
 * Whether a record that waits for credit could go on: another record or call, which has ended since, may have held the
 * credit. The user decides whether it does.
 */
export function hasCreditAgain(snapshot: Snapshot): boolean {
  const missing = missingCredit(snapshot);
  return missing !== null && missing <= 0n;
}

/** What a record that waits for credit needs beyond the balance, in micro-credits; null for any other record. */
export function missingCredit(snapshot: Snapshot): bigint | null {
  const { record, elapsed_ms, allowance_ms, balance, cost } = snapshot;
  if (record?.reason !== "out_of_credit" || record.state !== "paused" || balance === null) return null;
  const begun = price(pricing(snapshot), elapsed_ms - allowance_ms + 1, { grace: false });
  return begun.micros - micros(cost) - micros(balance);
}

/** With less free time than this, in ms, a person has no time to decide: the person agrees to the price before. */
const FREE_MIN_MS = 30_000;

/** A person who agrees to a price is told how long the credit lasts, if that is less than this. */
const SOON_MS = 120_000;

/** Whether a start costs something at once, or so soon that the person must agree before. */
export function isPaidSoon({ free_remaining_ms }: Offer): boolean {
  return free_remaining_ms < FREE_MIN_MS;
}

/** The running time up to which the record costs nothing if it ends by then; null once the grace has passed, or without one. */
export function graceEndMs(
  { freeMs, billedMs }: Pick<Frame, "freeMs" | "billedMs">,
  snapshot: Snapshot,
): number | null {
  const graceMs = 1000 * (pricing(snapshot).grace_seconds ?? 0);
  const isWithin = snapshot.timer.running && graceMs > 0 && freeMs <= 0 && billedMs <= 0;
  return isWithin ? snapshot.allowance_ms + graceMs : null;
}

/** The user's credit that is held while the cost is still nothing: within the grace, and while a call rings. */
export function heldMicros(frame: Frame, snapshot: Snapshot): bigint {
  const isHeld = graceEndMs(frame, snapshot) !== null || snapshot.record?.state === "requested";
  if (!isHeld || hasMoved(snapshot)) return 0n;
  const pricedMs = Math.floor(frame.elapsedMs ?? 0) - snapshot.allowance_ms;
  return price(snapshot.tariff, pricedMs + 1, { grace: false }).micros;
}

/** The first amount that is due, in micro-credits, and after how many seconds: after free time and grace. It pays the grace. */
export function firstDue(offer: Offer): { micros: bigint; seconds: number } {
  const { free_remaining_ms, tariff } = offer;
  const graceSeconds = pricing(offer).grace_seconds ?? 0;
  const { micros } = price(tariff, Math.round(1000 * graceSeconds) + 1, { grace: false });
  return { micros, seconds: Math.floor(free_remaining_ms / 1000) + Math.floor(graceSeconds) };
}

/** How long the credit lasts, in ms, where the person should know before the start; null where it lasts long. */
export function lastsOnlyMs({ lasts_ms }: Offer): number | null {
  return lasts_ms !== null && lasts_ms < SOON_MS ? lasts_ms : null;
}

/** Whether the next press of "Start" begins a new record, and not only goes on with one. */
export function beginsRecord({ record }: Snapshot): boolean {
  return record === null || record.state === "ended";
}
