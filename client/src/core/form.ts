/**
 * The form of a receipt: the fields that its JSON has, and what each of them may hold. The twin of the service's
 * `receipt_form.py`, which says why each figure has one spelling.
 */

import type { RoundingMode } from "./price.ts";
import type { Reason, Receipt, Role, SharedEntry, Starts, Tariff } from "./types.ts";
import {
  amount,
  count,
  demand,
  demandOnly,
  type Form,
  ifPresent,
  instant,
  NotAReceiptError,
  oneOf,
  orNull,
  percent,
  price,
  seconds,
  secondsAboveZero,
  text,
  whole,
} from "./value-forms.ts";

const NUMBER_DECIMALS_MAX = 4;
const DEPTH_MAX = 32;
const TIERS_MAX = 50;

/**
 * The document as a receipt, its tariff with every default filled in, and without grace if the record has none.
 *
 * @throws NotAReceiptError when the document is not a receipt.
 */
export function readReceipt(document: unknown): Receipt {
  demandJson(document, 0);
  demand(document, RECEIPT, "");
  const receipt = document as Receipt;
  if (Object.hasOwn(receipt, "shares")) {
    demandOnly(receipt.shares?.terms, TERMS, "shares.terms");
    demand({ ...TERMS_DEFAULTS, ...receipt.shares?.terms }, TERMS, "shares.terms");
  }
  const tariff = readTariff(receipt.tariff);
  // The grace that was used less than a day before is not granted again. Without that instant, `usedAt` is NaN, and the
  // comparison is false.
  const usedAt = Date.parse(receipt.grace_used_at as string);
  if (Date.parse(receipt.record.started_at) - usedAt < GRACE_INTERVAL_MS) tariff.grace_seconds = 0;
  return { ...receipt, tariff };
}

function readTariff(document: unknown): Tariff {
  demandOnly(document, TARIFF, "tariff");
  const given = document as Tariff;
  if (given.rounding !== undefined) demandOnly(given.rounding, TARIFF.rounding, "tariff.rounding");
  const rounding = { places: 2, mode: "up", ...given.rounding };
  const tiers = Array.isArray(given.tiers)
    ? given.tiers.map((tier: unknown, index) => {
        demandOnly(tier, TIER, `tariff.tiers[${index}]`);
        return { ...TIER_DEFAULTS, ...(tier as object) };
      })
    : given.tiers;
  const tariff = { ...TARIFF_DEFAULTS, ...given, tiers, rounding };
  demand(tariff, TARIFF, "tariff");
  const starts = (tariff as Tariff).tiers.map((tier) => tier.from_seconds);
  if (starts.length > TIERS_MAX || starts[0] !== 0)
    throw new NotAReceiptError(`tariff.tiers must be 1 to ${TIERS_MAX}, first from 0`);
  if (starts.some((start, index) => index > 0 && start <= (starts[index - 1] ?? 0)))
    throw new NotAReceiptError("tariff.tiers must be in order");
  return tariff as Tariff;
}

function demandJson(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw new NotAReceiptError("nested too deeply");
  if (typeof value === "number") {
    const isExact = Math.abs(value) <= Number.MAX_SAFE_INTEGER;
    if (!isExact || Number(value.toFixed(NUMBER_DECIMALS_MAX)) !== value)
      throw new NotAReceiptError(`no figure can be ${value}`);
  } else if (value !== null && typeof value === "object") {
    for (const inner of Object.values(value)) demandJson(inner, depth + 1);
  } else if (value !== null && typeof value !== "boolean" && typeof value !== "string") {
    throw new NotAReceiptError(`JSON has no ${typeof value}`);
  }
}

const reason = oneOf<Reason>({
  stopped: true,
  paused: true,
  out_of_credit: true,
  user_away: true,
  advisor_away: true,
  abandoned: true,
  switched: true,
  timer_failed: true,
  max_cost: true,
  platform: true,
  declined: true,
  missed: true,
});

/** As in the service's `record.py`. */
const GRACE_INTERVAL_MS = 24 * 3_600_000;

const SHARES = {
  terms: {},
  advisor: amount,
  fees: amount,
  platform: amount,
  entries: [
    {
      id: text,
      at: instant,
      kind: oneOf({ charge: true, share: true, refund: true }),
      amount,
      advisor_amount: amount,
      platform_amount: amount,
      fees: amount,
      borne_by: orNull(
        oneOf<NonNullable<SharedEntry["borne_by"]>>({ platform: true, advisor: true, shared: true }),
      ),
    },
  ],
} as const satisfies Form;

const RECEIPT = {
  server_time: instant,
  record: {
    id: text,
    state: text,
    reason: orNull(reason),
    user_id: text,
    advisor_id: text,
    current_chat_id: text,
    started_at: instant,
    paused_at: orNull(instant),
    paused_by: orNull(text),
    ended_at: orNull(instant),
    ended_by: ifPresent(orNull(oneOf<Role>({ service: true, operator: true, user: true, advisor: true }))),
    starts: ifPresent(oneOf<Starts>({ present: true, accepted: true, at_once: true })),
    decline_reason: ifPresent(orNull(text)),
  },
  user_name: text,
  advisor_name: text,
  tariff: {},
  tariff_version: whole,
  free_ms_before: count,
  seller: ifPresent(orNull(text)),
  currency: ifPresent(orNull(text)),
  grace_used_at: ifPresent(orNull(instant)), // receipts of earlier versions have no such field
  segments: [
    {
      chat_id: text,
      started_at: instant,
      ended_at: orNull(instant),
      duration_ms: whole,
      reason: orNull(reason),
      caused_by: orNull(text),
    },
  ],
  gaps: [
    {
      started_at: instant,
      ended_at: orNull(instant),
      duration_ms: whole,
      reason,
      caused_by: orNull(text),
    },
  ],
  leases: [{ party: text, ended_at: orNull(instant) }],
  elapsed_ms: whole,
  billed_ms: whole,
  cost: amount,
  lines: [{ text, amount }],
  entries: [
    {
      id: text,
      amount,
      gift: amount,
      kind: oneOf({ charge: true, refund: true }),
      at: instant,
      record_id: orNull(text),
      reference: orNull(text),
      reason: orNull(text),
      expires_at: orNull(instant),
    },
  ],
  unposted: amount,
  totals: { charged: amount, refunded: amount, paid: amount, gift: amount, bought: amount },
  how_to_recompute: text,
  shares: ifPresent(SHARES),
  fingerprint: text,
} as const satisfies Form;

const TERMS = { share_percent: percent, fee_per_minute: price, fee_per_session: price } as const;
const TERMS_DEFAULTS = { fee_per_minute: "0.00", fee_per_session: "0.00" } as const;

const TIER = {
  from_seconds: seconds,
  rate: price,
  per_seconds: secondsAboveZero,
  increment_seconds: secondsAboveZero,
} as const;
const TIER_DEFAULTS = { from_seconds: 0, per_seconds: 60, increment_seconds: 1 } as const;

const TARIFF = {
  connect_fee: price,
  free_seconds: seconds,
  grace_seconds: seconds,
  tiers: [TIER],
  boundary: oneOf<NonNullable<Tariff["boundary"]>>({ ceil: true, begun: true }),
  minimum_charge: price,
  max_cost: orNull(price),
  at_max_cost: oneOf<NonNullable<Tariff["at_max_cost"]>>({ free: true, stop: true }),
  rounding: {
    places: (value: unknown) =>
      Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 6
        ? null
        : "a whole number from 0 to 6",
    mode: oneOf<RoundingMode>({ up: true, down: true, half_up: true }),
  },
} as const;
const TARIFF_DEFAULTS = {
  connect_fee: "0.00",
  free_seconds: 0,
  grace_seconds: 0,
  boundary: "ceil",
  minimum_charge: "0.00",
  max_cost: null,
  at_max_cost: "free",
} as const;
