/** What follows from the facts of a receipt as of an instant: the time, its price, and how the price divides. */

import { price } from "./price.ts";
import { type Share, share } from "./share.ts";
import type { Instant, Receipt, Terms } from "./types.ts";

/** Milliseconds since 1970. */
export function at(instant: Instant): number {
  return Date.parse(instant);
}

/** The elapsed time up to the instant, in ms. */
export function elapsedAt({ segments, server_time }: Receipt, until: Instant): number {
  return segments.reduce((sum, { started_at, ended_at }) => {
    return sum + Math.max(0, Math.min(at(ended_at ?? server_time), at(until)) - at(started_at));
  }, 0);
}

/** What was left of the allowance when the record started, in ms. */
export function allowanceOf({ tariff, free_ms_before }: Receipt): number {
  return Math.max(0, Math.round(1000 * (tariff.free_seconds ?? 0)) - free_ms_before);
}

/** The price of the elapsed time up to the instant, in micro-credits. */
export function costAt(receipt: Receipt, until: Instant): bigint {
  return price(receipt.tariff, pricedAt(receipt, until)).micros;
}

/** How that price divides. */
export function shareAt(receipt: Receipt, terms: Terms, until: Instant): Share {
  return share(terms, receipt.tariff, pricedAt(receipt, until));
}

function pricedAt(receipt: Receipt, until: Instant): number {
  return elapsedAt(receipt, until) - allowanceOf(receipt);
}
