/**
 * The form of a receipt: the fields that its JSON has, and what each of them may hold. The twin of the service's
 * `receipt_form.py`, which says why each figure has one spelling.
 */

import { at } from "./facts.ts";
import { credits, micros } from "./price.ts";
import type { Receipt, Tariff } from "./types.ts";

const NUMBER_DECIMALS_MAX = 4;
const DEPTH_MAX = 32;
const SECONDS_MAX = 315_360_000;
const TIERS_MAX = 50;
const AMOUNT_MAX = 10_000_000_000_000_000n; // micro-credits

/** The document does not have the form of a receipt; the message says where and why. */
export class NotAReceiptError extends Error {
  override readonly name = "NotAReceiptError";

  constructor(what: string) {
    super(`This is not a receipt: ${what}`);
  }
}

/** Says what the value of a field must be, or null where the value is right. */
type Field = (value: unknown) => string | null;
type Form = Field | readonly [Form] | { readonly [name: string]: Form };

/**
 * The document as a receipt, its tariff with every default filled in.
 *
 * @throws NotAReceiptError when the document is not a receipt.
 */
export function readReceipt(document: unknown): Receipt {
  demandJson(document, 0);
  demand(document, RECEIPT, "");
  const receipt = document as Receipt;
  if (Object.hasOwn(receipt, "shares")) {
    demand(receipt.shares, SHARES, "shares");
    demandOnly(receipt.shares?.terms, TERMS, "shares.terms");
    demand({ ...TERMS_DEFAULTS, ...receipt.shares?.terms }, TERMS, "shares.terms");
  }
  return { ...receipt, tariff: readTariff(receipt.tariff) };
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
  if (starts.length === 0 || starts.length > TIERS_MAX || starts[0] !== 0)
    throw new NotAReceiptError(`tariff.tiers must be 1 to ${TIERS_MAX} tiers, the first from 0`);
  if (starts.some((start, index) => index > 0 && start <= (starts[index - 1] ?? 0)))
    throw new NotAReceiptError("tariff.tiers must be in order");
  return tariff as Tariff;
}

function demandJson(value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw new NotAReceiptError("its lists and objects are nested too deeply");
  if (typeof value === "number") {
    const isExact = Math.abs(value) <= Number.MAX_SAFE_INTEGER;
    if (!isExact || Number(value.toFixed(NUMBER_DECIMALS_MAX)) !== value)
      throw new NotAReceiptError(`no figure can be ${value}`);
  } else if (value !== null && typeof value === "object") {
    for (const inner of Object.values(value)) demandJson(inner, depth + 1);
  } else if (value !== null && typeof value !== "boolean" && typeof value !== "string") {
    throw new NotAReceiptError(`JSON has no value like ${typeof value}`);
  }
}

function demand(value: unknown, form: Form, path: string): void {
  if (typeof form === "function") {
    const must = form(value);
    if (must !== null) throw new NotAReceiptError(`${path} must be ${must}`);
  } else if (isList(form)) {
    if (!Array.isArray(value)) throw new NotAReceiptError(`${path} must be a list`);
    for (const [index, inner] of value.entries()) demand(inner, form[0], `${path}[${index}]`);
  } else {
    demandObject(value, path);
    for (const [name, inner] of Object.entries(form)) {
      const place = path === "" ? name : `${path}.${name}`;
      if (!Object.hasOwn(value, name)) throw new NotAReceiptError(`${place} is missing`);
      demand(value[name], inner, place);
    }
  }
}

/** No field has another name: a price can't be computed by a rule that is not known. */
function demandOnly(value: unknown, form: object, path: string): void {
  demandObject(value, path);
  for (const name of Object.keys(value))
    if (!Object.hasOwn(form, name)) throw new NotAReceiptError(`${path} has no field ${name}`);
}

function demandObject(value: unknown, path: string): asserts value is Record<string, unknown> {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new NotAReceiptError(`${path || "the document"} must be an object`);
}

/** `Array.isArray` does not recognise a list that can't be changed. */
function isList(form: Form): form is readonly [Form] {
  return Array.isArray(form);
}

const text: Field = (value) => (typeof value === "string" ? null : "text");

const whole: Field = (value) => (Number.isInteger(value) ? null : "a whole number");

const count: Field = (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? null : "a whole number, 0 or more";

const amount: Field = (value) => (amountOf(value) === null ? 'an amount of credits such as "-8.75"' : null);

const price: Field = (value) => {
  const is = amountOf(value);
  return is !== null && is >= 0n && is <= AMOUNT_MAX ? null : 'an amount of credits such as "8.75"';
};

const instant: Field = (value) =>
  typeof value === "string" && value.length === 24 && isoText(at(value)) === value && at(value) >= 0
    ? null
    : "an instant such as 2026-01-05T10:00:01.250Z";

const percent: Field = (value) =>
  typeof value === "number" && value >= 0 && value <= 100 ? null : "a number from 0 to 100";

const seconds: Field = (value) =>
  typeof value === "number" && value >= 0 && value <= SECONDS_MAX && Number(value.toFixed(3)) === value
    ? null
    : "a number of seconds, with at most 3 decimals";

const secondsAboveZero: Field = (value) => (value === 0 ? "more than 0" : seconds(value));

function oneOf(...choices: string[]): Field {
  return (value) => (choices.some((choice) => choice === value) ? null : `one of: ${choices.join(", ")}`);
}

function orNull(field: Field): Field {
  return (value) => {
    const must = value === null ? null : field(value);
    return must === null ? null : `${must}, or null`;
  };
}

/** Micro-credits of an amount that is spelt as the service spells it. */
function amountOf(value: unknown): bigint | null {
  if (typeof value !== "string" || !/^-?\d{1,18}\.\d{2,6}$/.test(value)) return null;
  const is = micros(value);
  return credits(is) === value ? is : null;
}

function isoText(ms: number): string | null {
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

const reason = oneOf(
  "stopped",
  "paused",
  "out_of_credit",
  "user_away",
  "advisor_away",
  "abandoned",
  "switched",
  "timer_failed",
  "max_cost",
);

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
  },
  user_name: text,
  advisor_name: text,
  tariff: {},
  tariff_version: whole,
  free_ms_before: count,
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
      kind: oneOf("charge", "refund"),
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
  fingerprint: text,
} as const satisfies Form;

const SHARES = {
  terms: {},
  advisor: amount,
  fees: amount,
  platform: amount,
  entries: [
    {
      id: text,
      at: instant,
      kind: oneOf("charge", "share", "refund"),
      amount,
      advisor_amount: amount,
      platform_amount: amount,
      fees: amount,
      borne_by: orNull(oneOf("platform", "advisor", "shared")),
    },
  ],
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
  boundary: oneOf("ceil", "begun"),
  minimum_charge: price,
  max_cost: orNull(price),
  at_max_cost: oneOf("free", "stop"),
  rounding: {
    places: (value: unknown) =>
      Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 6
        ? null
        : "a whole number from 0 to 6",
    mode: oneOf("up", "down", "half_up"),
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
