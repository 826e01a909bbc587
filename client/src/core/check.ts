/** The checks of a receipt: each compares a figure with what follows from the facts. */

import { canonical } from "./fingerprint.ts";
import { credits } from "./price.ts";
import type { Credits, Instant, Json } from "./types.ts";

/** One figure of a receipt: its place, the rule for it, what the receipt states, and what follows from the facts. */
export interface Check {
  path: string;
  what: string;
  stated: Json;
  found: Json;
}

/** Whether the figure is right. */
export function holds({ stated, found }: Check): boolean {
  return canonical(stated) === canonical(found);
}

export function check(path: string, what: string, stated: Json, found: Json): Check {
  return { path, what, stated, found };
}

/** That an amount is the one that was found. */
export function amountCheck(path: string, what: string, stated: Credits, found: bigint): Check {
  return check(path, what, stated, credits(found));
}

/** That an instant is not before another one. */
export function timeCheck(path: string, what: string, stated: Instant, earliest: Instant): Check {
  return check(path, what, stated, later(stated, earliest));
}

/** That entries are in order, that none is later than the receipt, and that none is there twice. */
export function orderChecks(
  path: string,
  entries: readonly { id: string; at: Instant }[],
  now: Instant,
): Check[] {
  const checks = entries
    .slice(1)
    .map((entry, index) =>
      timeCheck(`${path}[${index + 1}].at`, "entries are in order", entry.at, entries[index]?.at ?? entry.at),
    );
  const last = entries.at(-1)?.at;
  if (last !== undefined) {
    const what = "a receipt says nothing of what has not happened";
    checks.push(check(`${path}[${entries.length - 1}].at`, what, last, earlier(last, now)));
  }
  const ids = new Set(entries.map(({ id }) => id));
  return [...checks, check(path, "each entry is there once", entries.length, ids.size)];
}

/** The later of two instants. Instants of one form are in the order of their texts. */
export function later(one: Instant, other: Instant): Instant {
  return one < other ? other : one;
}

function earlier(one: Instant, other: Instant): Instant {
  return one < other ? one : other;
}
