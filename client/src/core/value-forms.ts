/** The forms of values in a document, and the check that a document has its form. */

import { at } from "./facts.ts";
import { credits, micros } from "./price.ts";

const SECONDS_MAX = 315_360_000;
const AMOUNT_MAX = 10_000_000_000_000_000n; // micro-credits

/** The document does not have the form of a receipt; the message says where and why. */
export class NotAReceiptError extends Error {
  override readonly name = "NotAReceiptError";

  constructor(what: string) {
    super(`This is not a receipt: ${what}`);
  }
}

/** The form of one value. It says what the value must be, or null if the value is right. */
export type ValueForm = (value: unknown) => string | null;
export type Form = ValueForm | readonly [Form] | { readonly [name: string]: Form | IfPresent };

/** The form of a field that may be absent. */
class IfPresent {
  readonly form: Form;

  constructor(form: Form) {
    this.form = form;
  }
}

/** A field that may be absent: a release adds such a field, because the receipts of earlier releases lack the field. */
export function ifPresent(form: Form): IfPresent {
  return new IfPresent(form);
}

/**
 * Refuses a value that does not have this form.
 *
 * @throws NotAReceiptError whose message says which field is wrong, with its path.
 */
export function demand(value: unknown, form: Form, path: string): void {
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
      const isOptional = inner instanceof IfPresent;
      if (Object.hasOwn(value, name)) demand(value[name], isOptional ? inner.form : inner, place);
      else if (!isOptional) throw new NotAReceiptError(`${place} is missing`);
    }
  }
}

/** No field has another name: a price can't be computed by a rule that is not known. */
export function demandOnly(value: unknown, form: object, path: string): void {
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

export const text: ValueForm = (value) => (typeof value === "string" ? null : "text");

export const whole: ValueForm = (value) => (Number.isInteger(value) ? null : "a whole number");

export const count: ValueForm = (value) =>
  Number.isInteger(value) && (value as number) >= 0 ? null : "a whole number, 0 or more";

export const amount: ValueForm = (value) =>
  amountOf(value) === null ? 'an amount of credits such as "-8.75"' : null;

export const price: ValueForm = (value) => {
  const is = amountOf(value);
  return is !== null && is >= 0n && is <= AMOUNT_MAX ? null : 'an amount of credits such as "8.75"';
};

export const instant: ValueForm = (value) =>
  typeof value === "string" && value.length === 24 && isoText(at(value)) === value && at(value) >= 0
    ? null
    : "an instant such as 2026-01-05T10:00:01.250Z";

export const percent: ValueForm = (value) =>
  typeof value === "number" && value >= 0 && value <= 100 ? null : "a number from 0 to 100";

export const seconds: ValueForm = (value) =>
  typeof value === "number" && value >= 0 && value <= SECONDS_MAX && Number(value.toFixed(3)) === value
    ? null
    : "a number of seconds, with at most 3 decimals";

export const secondsAboveZero: ValueForm = (value) => (value === 0 ? "more than 0" : seconds(value));

/** One of the values of a type. A value that the type has and `choices` lacks does not compile. */
export function oneOf<Choice extends string>(choices: Record<Choice, true>): ValueForm {
  return (value) =>
    typeof value === "string" && Object.hasOwn(choices, value)
      ? null
      : `one of: ${Object.keys(choices).join(", ")}`;
}

export function orNull(field: ValueForm): ValueForm {
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
