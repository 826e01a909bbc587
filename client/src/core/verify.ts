/**
 * A receipt proved from its own facts: the twin of the service's `verification.py`. Both give the same checks in the same
 * order, and `tests/twins` compares them on random receipts.
 */

import { amountCheck, type Check, check, later, orderChecks, timeCheck } from "./check.ts";
import { explain } from "./explain.ts";
import { allowanceOf, at, costAt, elapsedAt } from "./facts.ts";
import { fingerprint } from "./fingerprint.ts";
import { readReceipt } from "./form.ts";
import { least, most } from "./integers.ts";
import { credits, micros, price } from "./price.ts";
import type { Cause, Entry, Gap, Instant, Json, Reason, Receipt, Segment } from "./types.ts";
import { shareChecks } from "./verify-shares.ts";

/**
 * Everything about a receipt that follows from its facts, computed again.
 *
 * @throws NotAReceiptError when the document does not have the form of a receipt.
 */
export function verify(document: unknown): Check[] {
  const receipt = readReceipt(document);
  return [
    check(
      "fingerprint",
      "the document is as it was made",
      receipt.fingerprint,
      fingerprint(document as object),
    ),
    ...times(receipt),
    ...record(receipt),
    ...gaps(receipt),
    ...prices(receipt),
    ...entries(receipt),
    ...totals(receipt),
    ...shareChecks(receipt),
  ];
}

function times(receipt: Receipt): Check[] {
  const { record, segments, server_time } = receipt;
  const checks: Check[] = [];
  let limit = record.started_at;
  for (const [index, { started_at, ended_at, duration_ms, reason, caused_by }] of segments.entries()) {
    const path = `segments[${index}]`;
    const end = ended_at ?? server_time;
    const cause = reason === null ? null : (CAUSES[reason] ?? caused_by);
    checks.push(
      timeCheck(
        `${path}.started_at`,
        "a segment does not begin before the one before it ends",
        started_at,
        limit,
      ),
      timeCheck(`${path}.ended_at`, "a segment does not end before it begins", end, started_at),
      check(`${path}.duration_ms`, "how long a segment is", duration_ms, at(end) - at(started_at)),
      check(`${path}.reason`, "a segment that has ended says why", reason === null, ended_at === null),
      check(`${path}.caused_by`, "the reason says who caused it", caused_by, cause),
    );
    limit = end;
  }
  if (record.ended_at !== null) {
    const what = "a record does not end before its last segment ends";
    checks.push(timeCheck("record.ended_at", what, record.ended_at, limit));
    limit = later(limit, record.ended_at);
  }
  const elapsedMs = elapsedAt(receipt, server_time);
  checks.push(
    timeCheck("server_time", "a receipt says nothing of what has not happened", server_time, limit),
    check("elapsed_ms", "the segments add up to the time", receipt.elapsed_ms, elapsedMs),
  );
  return checks;
}

function record({ record, segments }: Receipt): Check[] {
  const open = segments.filter(({ ended_at }) => ended_at === null).length;
  const last = segments.at(-1);
  const isRunning = last?.ended_at === null;
  const mayRing = last === undefined && record.starts === "accepted" && record.state === "requested";
  const state = isRunning ? "running" : record.ended_at !== null ? "ended" : mayRing ? "requested" : "paused";
  const isPaused = state === "paused";
  const pausedAt = isPaused ? (last?.ended_at ?? record.started_at) : null;
  const pausedBy = isPaused && record.reason === "paused" ? record.paused_by : null;
  const needsNoReason = isRunning || state === "requested";
  const declined = record.decline_reason ?? null;
  const said = record.reason === "declined" ? declined : null;
  const endedBy = record.ended_by ?? null;
  const isAct = state === "ended" && (record.reason === "stopped" || record.reason === "declined");
  const chatId = isRunning ? last.chat_id : record.current_chat_id;
  return [
    check("record.state", "a record runs while its last segment is open", record.state, state),
    check("segments", "no other segment is open", open, isRunning ? 1 : 0),
    check(
      "record.reason",
      "a record that is paused or has ended says why",
      record.reason === null,
      needsNoReason,
    ),
    check("record.paused_at", "a pause begins when the last segment ends", record.paused_at, pausedAt),
    check("record.paused_by", "only a pause is somebody's act", record.paused_by, pausedBy),
    check("record.decline_reason", "only an advisor who declines says why", declined, said),
    check("record.ended_by", "only a stop and a refusal are somebody's act", endedBy, isAct ? endedBy : null),
    check("record.current_chat_id", "a record runs in its current chat", record.current_chat_id, chatId),
  ];
}

function gaps(receipt: Receipt): Check[] {
  const found = gapsOf(receipt);
  const leases = leasesOf(receipt.segments);
  const checks = found
    .slice(0, receipt.gaps.length)
    .map((gap, index) =>
      check(
        `gaps[${index}]`,
        "time that was not billed lies between the segments",
        asJson(receipt.gaps[index]),
        asJson(gap),
      ),
    );
  return [
    ...checks,
    check("gaps", "how many gaps there are", receipt.gaps.length, found.length),
    check("leases", "the leases that ended a segment", asJson(receipt.leases), asJson(leases)),
  ];
}

/** Who causes time that is not billed, where the reason alone says so. */
const CAUSES: Partial<Record<Reason, Cause>> = {
  user_away: "user",
  advisor_away: "advisor",
  out_of_credit: "user",
  timer_failed: "service",
  platform: "platform",
};

/**
 * Before its first segment a record waited for its advisor, unless it started `at_once`. While a request rings, nobody is
 * the cause of this. Other time before the first segment, or after a switch, was lost because a timer could not be started
 * at once.
 */
function gapsOf({ record, segments, server_time, gaps: stated }: Receipt): Gap[] {
  const found: Gap[] = [];
  let begin: Instant | null = record.started_at;
  let reason: Reason = (record.starts ?? "at_once") === "at_once" ? "timer_failed" : "advisor_away";
  // A receipt of an earlier version says of a request that rang that the advisor was the cause.
  const rings = record.starts === "accepted" && stated[0]?.caused_by !== "advisor";
  let caused_by: Cause | null = rings ? null : (CAUSES[reason] ?? null);
  for (const segment of [...segments, null]) {
    const until: Instant | null = segment === null ? record.ended_at : segment.started_at;
    if (begin === null) break; // the last segment is open
    const duration_ms: number = at(until ?? server_time) - at(begin);
    if (duration_ms > 0) found.push({ started_at: begin, ended_at: until, duration_ms, reason, caused_by });
    begin = segment?.ended_at ?? null;
    reason = !segment?.reason || segment.reason === "switched" ? "timer_failed" : segment.reason;
    caused_by = CAUSES[reason] ?? segment?.caused_by ?? null;
  }
  return found;
}

function leasesOf(segments: readonly Segment[]): { party: string; ended_at: Instant | null }[] {
  return segments.flatMap(({ reason, ended_at }) => {
    if (reason !== "user_away" && reason !== "advisor_away") return [];
    return [{ party: reason === "user_away" ? "user" : "advisor", ended_at }];
  });
}

function prices(receipt: Receipt): Check[] {
  const elapsedMs = elapsedAt(receipt, receipt.server_time);
  const { micros: cost, billedMs } = price(receipt.tariff, elapsedMs - allowanceOf(receipt));
  const lines = explain(receipt.tariff, elapsedMs, allowanceOf(receipt)).map(({ amount }) => amount);
  return [
    check("billed_ms", "the increments begun", receipt.billed_ms, billedMs),
    check("cost", "the price of the time", receipt.cost, credits(cost)),
    // The words of a line are not checked: another version may have better ones, and the fingerprint covers them.
    ...receipt.lines
      .slice(0, lines.length)
      .map(({ amount }, index) =>
        check(`lines[${index}].amount`, "a step of the arithmetic", amount, credits(lines[index] ?? 0n)),
      ),
    check("lines", "how many steps there are", receipt.lines.length, lines.length),
  ];
}

/** The totals of the entries before one of them; `…Gift` is the part that was given, not bought. */
interface Totals {
  charged: bigint;
  chargedGift: bigint;
  refunded: bigint;
  refundedGift: bigint;
}

function entries(receipt: Receipt): Check[] {
  const totals: Totals = { charged: 0n, chargedGift: 0n, refunded: 0n, refundedGift: 0n };
  const checks = receipt.entries.flatMap((entry, index) => {
    const path = `entries[${index}]`;
    const isCharge = entry.kind === "charge";
    return [
      check(`${path}.record_id`, "an entry belongs to this record", entry.record_id, receipt.record.id),
      ...(isCharge ? charge(path, entry, totals, receipt) : refund(path, entry, totals)),
      check(`${path}.reason`, "a refund says why", entry.reason === null, isCharge),
      check(`${path}.expires_at`, "what is charged or given back does not expire", entry.expires_at, null),
    ];
  });
  const unposted = costAt(receipt, receipt.server_time) - totals.charged;
  checks.push(
    ...orderChecks("entries", receipt.entries, receipt.server_time),
    check("unposted", "the part of the cost that is not charged yet", receipt.unposted, credits(unposted)),
  );
  if (receipt.record.state !== "running") {
    const what = "everything is charged once the timer has stopped";
    checks.push(check("unposted", what, receipt.unposted, "0.00"));
  }
  return checks;
}

function charge(path: string, entry: Entry, totals: Totals, receipt: Receipt): Check[] {
  const [amount, gift] = [micros(entry.amount), micros(entry.gift)];
  const by = costAt(receipt, entry.at);
  const follows = totals.charged - by;
  totals.charged = by;
  totals.chargedGift -= gift;
  const what = `the charges up to here are the price of the time up to here, ${credits(by)}`;
  const within = least(most(gift, least(amount, 0n)), most(amount, 0n));
  return [
    amountCheck(`${path}.amount`, what, entry.amount, follows),
    amountCheck(`${path}.gift`, "the gift in a charge is no more than the charge", entry.gift, within),
  ];
}

function refund(path: string, entry: Entry, totals: Totals): Check[] {
  const [amount, gift] = [micros(entry.amount), micros(entry.gift)];
  const left = totals.charged - totals.refunded;
  const bought = left - (totals.chargedGift - totals.refundedGift);
  totals.refunded += amount;
  totals.refundedGift += gift;
  const what = `a refund is at most the part of the charges that was not given back yet, ${credits(left)}`;
  return [
    amountCheck(`${path}.amount`, what, entry.amount, most(1n, least(amount, left))),
    amountCheck(
      `${path}.gift`,
      "a refund gives bought credit back before gifts",
      entry.gift,
      amount - least(amount, bought),
    ),
  ];
}

function totals({ entries, totals }: Receipt): Check[] {
  const sum = (field: "amount" | "gift", ...kinds: string[]): bigint =>
    entries
      .filter(({ kind }) => kinds.includes(kind))
      .reduce((total, entry) => total + micros(entry[field]), 0n);
  const [charged, refunded] = [-sum("amount", "charge"), sum("amount", "refund")];
  const [paid, gift] = [charged - refunded, -sum("gift", "charge", "refund")];
  return [
    amountCheck("totals.charged", "the entries add up", totals.charged, charged),
    amountCheck("totals.refunded", "the entries add up", totals.refunded, refunded),
    amountCheck("totals.paid", "the entries add up", totals.paid, paid),
    amountCheck("totals.gift", "the entries add up", totals.gift, gift),
    amountCheck("totals.bought", "the entries add up", totals.bought, paid - gift),
  ];
}

/** Our own documents are JSON; TypeScript does not know that of an interface. */
function asJson(value: unknown): Json {
  return value as Json;
}
