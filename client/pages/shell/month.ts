/** A calendar month in the time zone of the reader, which the address names: `?month=2026-10`. */

import { say } from "../texts/language.ts";
import { month, timeZone } from "../texts/words.ts";
import { find, make, setText } from "./dom.ts";
import { type Documents, request } from "./service.ts";

export interface Month {
  /** As "2026-10". */
  name: string;
  /** As "October 2026". */
  title: string;
  /** Its first instant, and the first instant after it. */
  from: string;
  to: string;
}

/** Shows which month the page is about, and returns this month. The service says which months have begun. */
export async function openMonth(): Promise<Month> {
  const { server_time } = await request<Documents["Time"]>("GET", "/time");
  const now = new Date(server_time);
  const month = monthOfPage(now);
  showMonth(month, now);
  return month;
}

/** The month that the address names, or else this month. */
function monthOfPage(now: Date): Month {
  const named = new URLSearchParams(location.search).get("month") ?? "";
  const [, year, number] = /^([1-9]\d{3})-(0[1-9]|1[0-2])$/.exec(named) ?? [];
  return monthFrom(
    year && number ? new Date(Number(year), Number(number) - 1) : new Date(now.getFullYear(), now.getMonth()),
  );
}

/** Names the month on the page, and links to the months beside it: the later one only if it has begun. */
function showMonth(shown: Month, now: Date): void {
  setText(find("month"), shown.title);
  setText(find("zone"), say("inTimeZone", { zone: timeZone(shown.from) }));
  const beside = [beginning(shown, -1), beginning(shown, 1)].map(monthFrom);
  const links = beside
    .filter(({ from }) => Date.parse(from) <= now.getTime())
    .map(({ name, title }) => make("a", { class: "button", href: `?month=${name}` }, title));
  find("months").replaceChildren(...links);
}

/** The query of a call about the month. */
export function periodOf({ from, to }: Month): string {
  return new URLSearchParams({ from, to }).toString();
}

function beginning({ from }: Month, later: number): Date {
  const at = new Date(from);
  return new Date(at.getFullYear(), at.getMonth() + later);
}

function monthFrom(begin: Date): Month {
  const number = String(begin.getMonth() + 1).padStart(2, "0");
  const end = new Date(begin.getFullYear(), begin.getMonth() + 1);
  return {
    name: `${begin.getFullYear()}-${number}`,
    title: month(begin.toISOString()),
    from: begin.toISOString(),
    to: end.toISOString(),
  };
}
