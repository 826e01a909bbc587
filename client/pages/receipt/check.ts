/** A receipt proved from its own facts, in the reader's browser: the twin of the service's `verification.py`. */

import { credits, micros, price } from "../../src/core/price.ts";
import { share, type Terms } from "../../src/core/share.ts";
import type { ConversationRecord, Credits, Instant, Reason, Tariff } from "../../src/core/types.ts";
import type { Segment } from "./timeline.ts";

export interface Gap {
  started_at: Instant;
  ended_at: Instant | null;
  duration_ms: number;
  reason: Reason;
  caused_by: string | null;
}

export interface SharedEntry {
  id: string;
  at: Instant;
  kind: string;
  amount: Credits;
  advisor_amount: Credits;
  platform_amount: Credits;
  fees: Credits;
  /** Who bears a refund. */
  borne_by: "platform" | "advisor" | "shared" | null;
}

export interface Receipt {
  server_time: Instant;
  record: ConversationRecord;
  user_name: string;
  advisor_name: string;
  tariff: Tariff;
  tariff_version: number;
  free_ms_before: number;
  segments: (Segment & { caused_by: string | null })[];
  gaps: Gap[];
  /** Those that ended a segment. */
  leases: { party: "user" | "advisor"; ended_at: Instant }[];
  elapsed_ms: number;
  billed_ms: number;
  cost: Credits;
  lines: { text: string; amount: Credits }[];
  entries: {
    id: string;
    amount: Credits;
    gift: Credits;
    kind: string;
    at: Instant;
    record_id: string | null;
    reason?: string | null;
  }[];
  unposted: Credits;
  totals: Record<"charged" | "refunded" | "paid" | "gift" | "bought", Credits>;
  /** Only where the reader is not the user. */
  shares?: { terms: Terms; advisor: Credits; fees: Credits; platform: Credits; entries: SharedEntry[] };
  how_to_recompute?: string;
  fingerprint: string;
}

/** One figure: where it stands, what it is, what the receipt states and what was found. */
export interface Check {
  path: string;
  what: string;
  stated: string;
  found: string;
}

export function holds({ stated, found }: Check): boolean {
  return stated === found;
}

/**
 * Everything about a receipt that follows from its facts, done again.
 *
 * @throws when it has not the shape of a receipt.
 */
export async function verify(receipt: Receipt): Promise<Check[]> {
  const print = await fingerprint(receipt);
  return [
    ...(print === null
      ? []
      : [check("fingerprint", "the document is as it was made", receipt.fingerprint, print)]),
    ...times(receipt),
    ...gapChecks(receipt),
    leases(receipt),
    ...prices(receipt),
    ...entries(receipt),
    ...totals(receipt),
    ...shares(receipt),
  ];
}

/** SHA-256 of the document without its own; null where the browser computes none (a page without TLS). */
export async function fingerprint(document: object): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const { fingerprint: _, ...told } = document as Record<string, unknown>;
  const bytes = new TextEncoder().encode(canonical(told));
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}

function times(receipt: Receipt): Check[] {
  const { record, segments, server_time } = receipt;
  const checks: Check[] = [];
  let limit = record.started_at;
  for (const [index, { started_at, ended_at, duration_ms }] of segments.entries()) {
    const path = `segments[${index}]`;
    const end = ended_at ?? server_time;
    checks.push(
      time(`${path}.started_at`, "a segment begins after what was before it", started_at, limit),
      time(`${path}.ended_at`, "a segment ends after it began", end, started_at),
      check(`${path}.duration_ms`, "how long a segment is", duration_ms, at(end) - at(started_at)),
    );
    limit = end;
  }
  if (record.ended_at !== null)
    checks.push(time("record.ended_at", "a record ends after its time did", record.ended_at, limit));
  checks.push(time("server_time", "a receipt tells of what has been", server_time, limit));
  const open = segments.filter(({ ended_at }) => ended_at === null).length;
  const running = segments.length > 0 && segments.at(-1)?.ended_at === null;
  const state = running ? "running" : record.ended_at === null ? "paused" : "ended";
  checks.push(
    check("record.state", "only the last segment is open, and only while it runs", record.state, state),
    check("segments", "no other segment is open", open, running ? 1 : 0),
    truth("record.reason", "what does not run says why", (record.reason === null) === running),
    check(
      "elapsed_ms",
      "the segments add up to the time",
      receipt.elapsed_ms,
      elapsed(receipt, at(server_time)),
    ),
  );
  return checks;
}

/** Who is the cause of time that was not billed, where the reason alone tells. */
const CAUSES: Partial<Record<Reason, string>> = {
  user_away: "user",
  advisor_away: "advisor",
  out_of_credit: "user",
  timer_failed: "service",
};

/** Time before the first segment, or after a switch, was lost because a timer could not be started at once. */
function gapsOf({ record, segments, server_time }: Receipt): Gap[] {
  const found: Gap[] = [];
  let begin: Instant | null = record.started_at;
  let reason: Reason = "timer_failed";
  let by: string | null = "service";
  for (const segment of [...segments, null]) {
    if (begin === null) break;
    const until: Instant | null = segment === null ? record.ended_at : segment.started_at;
    const duration_ms: number = at(until ?? server_time) - at(begin);
    if (duration_ms > 0)
      found.push({
        started_at: begin,
        ended_at: until,
        duration_ms,
        reason,
        caused_by: CAUSES[reason] ?? by,
      });
    begin = segment?.ended_at ?? null;
    by = segment?.caused_by ?? null;
    reason = !segment?.reason || segment.reason === "switched" ? "timer_failed" : segment.reason;
  }
  return found;
}

function gapChecks(receipt: Receipt): Check[] {
  const found = gapsOf(receipt);
  const what = "time that was not billed lies between the segments";
  return [
    check("gaps", "how many gaps there are", receipt.gaps.length, found.length),
    ...receipt.gaps.slice(0, found.length).map((stated, index) => {
      return check(`gaps[${index}]`, what, canonical(stated), canonical(found[index]));
    }),
  ];
}

function leases({ leases, segments }: Receipt): Check {
  const found = segments
    .filter(({ reason }) => reason === "user_away" || reason === "advisor_away")
    .map(({ reason, ended_at }) => `${reason === "user_away" ? "user" : "advisor"} ${ended_at}`);
  const stated = leases.map(({ party, ended_at }) => `${party} ${ended_at}`);
  return check("leases", "the leases that ended a segment", stated.join(), found.join());
}

function prices(receipt: Receipt): Check[] {
  const priced = price(receipt.tariff, pricedMs(receipt, at(receipt.server_time)));
  const sum = receipt.lines.reduce((total, { amount }) => total + micros(amount), 0n);
  return [
    check("billed_ms", "the increments begun", receipt.billed_ms, priced.billedMs),
    check("cost", "the price of the time", receipt.cost, credits(priced.micros)),
    check("lines", "the lines add up to the price", credits(sum), credits(priced.micros)),
  ];
}

function entries(receipt: Receipt): Check[] {
  const checks: Check[] = [];
  let before = 0n;
  let refunded = 0n;
  let last = receipt.record.started_at;
  for (const [index, { amount, gift, kind, at: posted, record_id }] of receipt.entries.entries()) {
    const path = `entries[${index}]`;
    checks.push(
      check(`${path}.record_id`, "an entry is of this record", String(record_id), receipt.record.id),
    );
    if (kind === "charge") {
      const cost = price(receipt.tariff, pricedMs(receipt, at(posted))).micros;
      const what = `charges by then are the price of the time by then, ${credits(cost)}`;
      checks.push(check(`${path}.amount`, what, amount, credits(before - cost)));
      before = cost;
    } else {
      const left = before - refunded;
      const what = `no more is given back than is left of what was charged, ${credits(left)}`;
      checks.push(truth(`${path}.amount`, what, micros(amount) > 0n && micros(amount) <= left));
      refunded += micros(amount);
    }
    const [low, high] = micros(amount) < 0n ? [micros(amount), 0n] : [0n, micros(amount)];
    const within = micros(gift) >= low && micros(gift) <= high;
    checks.push(truth(`${path}.gift`, "what was given is no more than the amount", within));
    checks.push(time(`${path}.at`, "entries are in order", posted, last));
    last = posted;
  }
  const unposted = price(receipt.tariff, pricedMs(receipt, at(receipt.server_time))).micros - before;
  checks.push(
    time("server_time", "a receipt tells of what has been", receipt.server_time, last),
    check("unposted", "what of the cost is not charged yet", receipt.unposted, credits(unposted)),
  );
  if (receipt.record.state !== "running")
    checks.push(
      check("unposted", "nothing is left open once the timer has stopped", receipt.unposted, "0.00"),
    );
  return checks;
}

function totals(receipt: Receipt): Check[] {
  const sum = (field: "amount" | "gift", ...kinds: string[]): bigint =>
    receipt.entries
      .filter(({ kind }) => kinds.includes(kind))
      .reduce((total, entry) => total + micros(entry[field]), 0n);
  const [charged, refunded] = [-sum("amount", "charge"), sum("amount", "refund")];
  const gift = -sum("gift", "charge", "refund");
  const found = { charged, refunded, paid: charged - refunded, gift, bought: charged - refunded - gift };
  return Object.entries(found).map(([name, amount]) =>
    check(
      `totals.${name}`,
      "the entries add up",
      receipt.totals[name as keyof typeof found],
      credits(amount),
    ),
  );
}

function shares(receipt: Receipt): Check[] {
  const told = receipt.shares;
  if (!told) return [];
  const by = (instant: Instant) => share(told.terms, receipt.tariff, pricedMs(receipt, at(instant)));
  const checks: Check[] = [];
  let before = { advisor: 0n, fees: 0n };
  let charged = 0n;
  let tally = { amount: 0n, byAdvisor: 0n };
  for (const [index, entry] of told.entries.entries()) {
    const path = `shares.entries[${index}]`;
    if (entry.kind === "charge" || entry.kind === "share") {
      const now = by(entry.at);
      checks.push(
        check(
          `${path}.advisor_amount`,
          "the advisor's part by then",
          entry.advisor_amount,
          credits(now.advisor - before.advisor),
        ),
        check(`${path}.fees`, "the fees by then", entry.fees, credits(now.fees - before.fees)),
      );
      checks.push(
        check(`${path}.borne_by`, "only a refund is borne by somebody", String(entry.borne_by), "null"),
      );
      before = now;
      charged -= micros(entry.amount);
    } else {
      const amount = micros(entry.amount);
      let borne = entry.borne_by === "advisor" ? amount : 0n;
      if (entry.borne_by === "shared") {
        const byThen = charged === 0n ? 0n : ((tally.amount + amount) * before.advisor) / charged;
        const part = byThen > tally.byAdvisor ? byThen - tally.byAdvisor : 0n;
        borne = part < amount ? part : amount;
        tally = {
          amount: tally.amount + amount,
          byAdvisor: tally.byAdvisor - micros(entry.advisor_amount),
        };
      }
      checks.push(
        check(`${path}.advisor_amount`, "who bears a refund", entry.advisor_amount, credits(-borne)),
        check(`${path}.fees`, "a refund gives no fees back", entry.fees, "0.00"),
      );
    }
    const rest = credits(-micros(entry.amount) - micros(entry.advisor_amount));
    checks.push(
      check(`${path}.platform_amount`, "what one gets the others give", entry.platform_amount, rest),
    );
  }
  const whole = by(receipt.server_time);
  const cost = price(receipt.tariff, pricedMs(receipt, at(receipt.server_time))).micros;
  checks.push(
    check("shares.advisor", "how the cost divides", told.advisor, credits(whole.advisor)),
    check("shares.fees", "how the cost divides", told.fees, credits(whole.fees)),
    check("shares.platform", "how the cost divides", told.platform, credits(cost - whole.advisor)),
    check(
      "shares.entries",
      "they are the user's entries, seen from the other side",
      sides(told.entries.filter(({ kind }) => kind !== "share")),
      sides(receipt.entries),
    ),
  );
  return checks;
}

function sides(entries: { id: string; at: Instant; kind: string; amount: Credits }[]): string {
  return entries.map(({ id, at, kind, amount }) => [id, at, kind, amount].join(" ")).join();
}

function elapsed({ segments, server_time }: Receipt, by: number): number {
  return segments.reduce((sum, { started_at, ended_at }) => {
    return sum + Math.max(0, Math.min(at(ended_at ?? server_time), by) - at(started_at));
  }, 0);
}

function pricedMs(receipt: Receipt, by: number): number {
  const free = Math.round(1000 * (receipt.tariff.free_seconds ?? 0)) - receipt.free_ms_before;
  return elapsed(receipt, by) - Math.max(0, free);
}

function at(instant: Instant): number {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) throw new RangeError(`not an instant: ${instant}`);
  return ms;
}

/** That `stated` is not before `limit`. */
function time(path: string, what: string, stated: Instant, limit: Instant): Check {
  return check(path, what, stated, at(stated) < at(limit) ? limit : stated);
}

function truth(path: string, what: string, holds: boolean): Check {
  return check(path, what, String(holds), "true");
}

function check(path: string, what: string, stated: string | number, found: string | number): Check {
  return { path, what, stated: String(stated), found: String(found) };
}
