/** Numbers in words for people: money, minutes, prices, reasons. */

import { stopwatch } from "../../src/core/digits.ts";
import { micros } from "../../src/core/price.ts";
import type { Credits, Reason, Tariff, Tier } from "../../src/core/types.ts";
import { amountText } from "../../src/money.ts";
import type { Viewer } from "../../src/talk/acts.ts";
import { languageOfPage, localeOfPage, say, type Word } from "./language.ts";

/** The currency of one credit, a code of ISO 4217; "" for credits without a currency. */
export function currencyOfPage(): string {
  return globalThis.document?.documentElement.dataset.currency ?? "";
}

/** An exact amount, in the currency and the language of the page: "€8.75". Without a currency it is credits: "8.75". */
export function money(amount: string, currency = currencyOfPage()): string {
  return amountText(amount, currency, languageOfPage());
}

/** A number that a person has typed, as the service reads it: "2.50" for the "2,50" of a German page. */
export function typedNumber(text: string): string {
  return text.trim().replace(say("decimalMark"), ".");
}

/** A currency as "euros (EUR)". */
export function currencyName(currency: string): string {
  const name = new Intl.DisplayNames(languageOfPage(), { type: "currency" }).of(currency);
  return name === undefined || name === currency ? currency : `${name} (${currency})`;
}

/** The time zone of the reader as "Europe/Berlin, UTC+1", with the offset at the instant. */
export function timeZone(instant: string): string {
  const minutes = -new Date(instant).getTimezoneOffset();
  const size = Math.abs(minutes);
  const rest = size % 60 === 0 ? "" : `:${String(size % 60).padStart(2, "0")}`;
  const offset = minutes === 0 ? "UTC" : `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}${rest}`;
  const { timeZone: name } = Intl.DateTimeFormat().resolvedOptions();
  return name === undefined || name === "UTC" ? offset : `${name}, ${offset}`;
}

/** The month of an instant as "November 2026", in the time zone of the reader. */
export function month(instant: string): string {
  return new Date(instant).toLocaleDateString(localeOfPage(), { month: "long", year: "numeric" });
}

/** An instant as "26 November 2026, 14:32", in the time zone of the reader. */
export function dayAndTime(instant: string): string {
  return `${day(instant)}, ${hourAndMinute(instant)}`;
}

/** A duration as digits with its milliseconds, "1:03.417", so that durations add up; "1:03" where it is whole seconds. */
export function exactDigits(ms: number): string {
  const rest = ms % 1000;
  if (rest === 0) return stopwatch(ms);
  const format = new Intl.NumberFormat(languageOfPage(), { minimumFractionDigits: 3 });
  return stopwatch(ms) + format.format(rest / 1000).slice(1);
}

/** A duration in ms as "7 min" or "1 h 5 min"; "0 min" for a call that nobody answered. */
export function minutes(ms: number): string {
  const whole = Math.floor(ms / 60_000);
  if (whole < 1 && ms > 0) return say("lessThanMinute");
  const hours = String(Math.floor(whole / 60));
  if (whole >= 48 * 60) return say("days", { days: String(Math.floor(whole / 1440)) });
  const values = { hours, minutes: String(whole % 60) };
  if (whole < 60) return say("minutesShort", values);
  return say(whole % 60 === 0 ? "hoursShort" : "hoursMinutes", values);
}

/** An instant as "14:32", in the time zone of the reader. */
export function hourAndMinute(instant: string): string {
  return new Date(instant).toLocaleTimeString(localeOfPage(), { hour: "2-digit", minute: "2-digit" });
}

/** An instant as "14:32:05", in the time zone of the reader. */
export function timeOfDay(instant: string): string {
  return new Date(instant).toLocaleTimeString(localeOfPage());
}

/** An instant as "14:32" if it is of today, else as "26 Nov, 14:32", in the time zone of the reader. */
export function moment(instant: string, now = new Date()): string {
  const isToday = new Date(instant).toDateString() === now.toDateString();
  return isToday ? hourAndMinute(instant) : shortDayAndTime(instant, now);
}

/** An instant as "26 Nov, 14:32", with its year if that is not this year. */
export function shortDayAndTime(instant: string, now = new Date()): string {
  const at = new Date(instant);
  const sameYear = at.getFullYear() === now.getFullYear();
  const date = at.toLocaleDateString(localeOfPage(), {
    day: "numeric",
    month: "short",
    ...(!sameYear && { year: "numeric" }),
  });
  return `${date}, ${hourAndMinute(instant)}`;
}

export function day(instant: string): string {
  return new Date(instant).toLocaleDateString(localeOfPage(), {
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

/** Who bears a refund; `part` is the advisor's part of the amount. */
export function bearerText(part: Credits): string {
  return micros(part) > 0n ? say("borneByAdvisor", { amount: money(part) }) : say("borneByPlatform");
}

const UNITS = [
  [3600, "hour", "perHour", "byHour", "firstHourFree"],
  [60, "minute", "perMinute", "byMinute", "firstMinuteFree"],
  [1, "second", "perSecond", "bySecond", "firstSecondFree"],
] as const;

function unitOf(seconds: number): (typeof UNITS)[number] | undefined {
  return UNITS.find(([size]) => size === seconds);
}

/** "3 minutes". */
export function unitText(count: number, unit: "hour" | "minute" | "second"): string {
  const format = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 3 } as const;
  return new Intl.NumberFormat(languageOfPage(), format).format(count);
}

/** A duration in the largest unit of which it is a whole number: "3 minutes", "90 seconds", "0.5 seconds". */
export function durationText(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds >= size && seconds % size === 0) ?? UNITS[2];
  return unitText(seconds / size, unit);
}

/** A duration in all its units: "1 hour 2 minutes", "1 minute 30.5 seconds". */
export function longDuration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const parts = [
    [Math.floor(minutes / 60), "hour"],
    [minutes % 60, "minute"],
    [Math.round((seconds % 60) * 1000) / 1000, "second"],
  ] as const;
  const texts = parts.filter(([count]) => count > 0).map(([count, unit]) => unitText(count, unit));
  return texts.join(" ") || unitText(0, "second");
}

/** A rate as "1.00 a minute". */
export function rateText({ rate, per_seconds }: Tier): string {
  if (Number(rate) === 0) return say("nothing");
  const unit = unitOf(per_seconds);
  return say(unit?.[2] ?? "perDuration", { amount: money(rate), duration: durationText(per_seconds) });
}

function incrementText(seconds: number): string {
  const unit = unitOf(seconds);
  return say(unit?.[3] ?? "bySteps", { duration: durationText(seconds) });
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
  if (free_seconds > 0)
    parts.push(say(unitOf(free_seconds)?.[4] ?? "firstFree", { duration: longDuration(free_seconds) }));
  if (Number(connect_fee) > 0) parts.push(say("toConnect", { amount: money(connect_fee) }));
  tariff.tiers.forEach((tier, index) => {
    const next = tariff.tiers[index + 1];
    const seconds = next ? next.from_seconds - tier.from_seconds : 0;
    let rate = rateText(tier);
    if (next)
      rate = say(index === 0 || unitOf(seconds) ? "rateFor" : "rateForNext", {
        rate,
        duration: durationText(seconds),
      });
    if (parts.length > 0) rate = say("thenRate", { rate });
    const { increment_seconds = 1 } = tier;
    const changed = index === 0 || increment_seconds !== (tariff.tiers[index - 1]?.increment_seconds ?? 1);
    parts.push(changed ? `${rate}, ${incrementText(increment_seconds)}` : rate);
  });
  if (grace_seconds > 0) parts.push(say("graceUpTo", { duration: durationText(grace_seconds) }));
  if (Number(minimum_charge) > 0) parts.push(say("atLeast", { amount: money(minimum_charge) }));
  if (max_cost !== null)
    parts.push(say(tariff.at_max_cost === "stop" ? "endsAt" : "neverMore", { amount: money(max_cost) }));
  const words = parts.join(", ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const REASONS: Record<Reason, Word> = {
  stopped: "reasonStopped",
  paused: "reasonPaused",
  out_of_credit: "reasonOutOfCredit",
  user_away: "reasonUserAway",
  advisor_away: "reasonAdvisorAway",
  abandoned: "reasonAbandoned",
  switched: "reasonSwitched",
  timer_failed: "reasonTimerFailed",
  max_cost: "reasonMaxCost",
  platform: "reasonPlatform",
  declined: "reasonDeclined",
  missed: "reasonMissed",
};

/** With more letters than this, a name would be longer than the sentence around it. */
const NAME_LETTERS_MAX = 30;

/** A name that stands beside its whole: a long name is cut off. */
export function shortName(name: string): string {
  const letters = [...name];
  return letters.length > NAME_LETTERS_MAX
    ? `${letters
        .slice(0, NAME_LETTERS_MAX - 2)
        .join("")
        .trim()}…`
    : name;
}

/** A name inside a sentence. A name of a script that runs from right to left would mix up the words beside it otherwise. */
export function nameInSentence(name: string): string {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(name) ? `\u2068${name}\u2069` : name;
}

/**
 * A reason in words, as `viewer` reads it; "" for null. The reason of a newer server, which has no words here, is read from
 * its code.
 */
export function reason(code: Reason | null, viewer: Viewer = "operator"): string {
  if (code === null) return "";
  if (code === `${viewer}_away`) return say("reasonYouAway");
  return Object.hasOwn(REASONS, code) ? say(REASONS[code]) : (code as string).replaceAll("_", " ");
}

const CAUSES: Record<string, Word> = {
  user: "causeUser",
  advisor: "causeAdvisor",
  operator: "causeOperator",
  service: "causeService",
};

/** A reason with who caused it. That is said of a pause and of a stop: the other reasons say it themselves. */
export function reasonWithCause(code: Reason | null, role: string | null): string {
  const isAct = code === "paused" || code === "stopped";
  return isAct && role !== null ? `${reason(code)} (${cause(role)})` : reason(code);
}

/** Who caused something: "by the user". */
export function cause(role: string): string {
  return Object.hasOwn(CAUSES, role) ? say(CAUSES[role] as Word) : role;
}
