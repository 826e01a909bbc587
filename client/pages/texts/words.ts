/** Numbers in words for people: money, minutes, prices, reasons. */

import type { Reason, Tariff, Tier } from "../../src/core/types.ts";

/** An exact amount with at least two decimals: "8.75" for "8.7500", "0.0125" for "0.0125". */
export function money(amount: string): string {
  const [whole = "0", decimals = ""] = amount.replace("-", "−").split(".");
  return `${whole}.${decimals.replace(/0+$/, "").padEnd(2, "0")}`;
}

/** A duration in ms as "7 min" or "1 h 5 min". */
export function minutes(ms: number): string {
  const whole = Math.floor(ms / 60_000);
  if (whole < 1) return "less than a minute";
  const hours = Math.floor(whole / 60);
  if (hours >= 48) return `${String(Math.floor(hours / 24))} days`;
  const rest = whole % 60;
  if (hours === 0) return `${whole} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** An instant as "14:32", in the time zone of the reader. */
export function hourAndMinute(instant: string): string {
  return new Date(instant).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** An instant as "14:32:05", in the time zone of the reader. */
export function timeOfDay(instant: string): string {
  return new Date(instant).toLocaleTimeString("en-GB");
}

export function day(instant: string): string {
  return new Date(instant).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}

function perText(seconds: number): string {
  if (seconds === 1) return "second";
  if (seconds === 60) return "minute";
  if (seconds === 3600) return "hour";
  return durationText(seconds);
}

function durationText(seconds: number): string {
  const named = [
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const;
  for (const [size, name] of named) {
    if (seconds >= size && seconds % size === 0) {
      const count = seconds / size;
      return count === 1 ? `${name === "hour" ? "an" : "a"} ${name}` : `${count} ${name}s`;
    }
  }
  return `${seconds} seconds`;
}

function incrementText(seconds: number): string {
  if (seconds === 1) return "by the second";
  if (seconds === 60) return "by whole minutes";
  if (seconds === 3600) return "by whole hours";
  return `in steps of ${durationText(seconds)}`;
}

function rateText(tier: Tier): string {
  if (Number(tier.rate) === 0) return "nothing";
  const per = perText(tier.per_seconds);
  return /^\d/.test(per)
    ? `${money(tier.rate)} per ${per}`
    : `${money(tier.rate)} ${per === "hour" ? "an" : "a"} ${per}`;
}

/** "First 3 minutes free, then 1.00 a minute, by whole minutes." */
export function price(tariff: Tariff): string {
  const parts: string[] = [];
  const {
    free_seconds = 0,
    grace_seconds = 0,
    connect_fee = "0",
    minimum_charge = "0",
    max_cost = null,
  } = tariff;
  if (free_seconds > 0) parts.push(`first ${durationText(free_seconds).replace(/^an? /, "")} free`);
  if (Number(connect_fee) > 0) parts.push(`${money(connect_fee)} to connect`);
  tariff.tiers.forEach((tier, index) => {
    const next = tariff.tiers[index + 1];
    const until = next
      ? ` for ${index === 0 ? "" : "the next "}${durationText(next.from_seconds - tier.from_seconds)}`
      : "";
    const { increment_seconds = 1 } = tier;
    const changed = index === 0 || increment_seconds !== (tariff.tiers[index - 1]?.increment_seconds ?? 1);
    const then = parts.length > 0 ? "then " : "";
    parts.push(`${then}${rateText(tier)}${until}${changed ? `, ${incrementText(increment_seconds)}` : ""}`);
  });
  if (grace_seconds > 0) parts.push(`nothing up to ${durationText(grace_seconds)}`);
  if (Number(minimum_charge) > 0) parts.push(`at least ${money(minimum_charge)}`);
  if (max_cost !== null)
    parts.push(`${tariff.at_max_cost === "stop" ? "ends at" : "never more than"} ${money(max_cost)}`);
  const words = parts.join(", ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const REASONS: Record<Reason, string> = {
  stopped: "stopped",
  paused: "paused",
  out_of_credit: "out of credit",
  user_away: "user away",
  advisor_away: "advisor away",
  abandoned: "nobody came back",
  switched: "moved to another chat",
  timer_failed: "the timer was starting",
  max_cost: "highest cost reached",
};

/** A reason in words; "" for null. */
export function reason(code: Reason | null): string {
  return code === null ? "" : REASONS[code];
}

const CAUSES: Record<string, string> = {
  user: "by the user",
  advisor: "by the advisor",
  operator: "by the operator",
  service: "by the service",
};

/** Why time was not billed. Who caused it is said of a pause alone: the other reasons say it themselves. */
export function unbilled(code: Reason, party: string | null): string {
  const cause = code === "paused" && party !== null ? ` (${CAUSES[party] ?? party})` : "";
  return reason(code) + cause;
}
