/** Finds people, records and entries: one field and a few filters, which stand in the address as well. */

import { find, make, setText } from "../shell/dom.ts";
import { openPage, showProblem } from "../shell/frame.ts";
import { ledgerRow } from "../shell/ledger-row.ts";
import { showPages } from "../shell/more.ts";
import { recordRow } from "../shell/record-row.ts";
import { type Account, type Advisor, path, request, root } from "../shell/service.ts";
import { say, type Word } from "../texts/language.ts";
import { money, price } from "../texts/words.ts";

const PAGE = 20;

interface Search {
  query: string;
  list: string;
  reason: string;
  /** Instants, "" for no bound. */
  from: string;
  to: string;
}

interface List {
  /** The path of its call, and the id of its section. */
  name: "users" | "advisors" | "records" | "entries";
  more: Word;
  /** The parameters of the call, or null if the search is not about this list. */
  ask: (search: Search) => Record<string, string> | null;
  // biome-ignore lint/suspicious/noExplicitAny: each list shows the items of its own call
  row: (item: any) => HTMLElement;
}

const LISTS: List[] = [
  { name: "users", more: "moreUsers", ask: askPeople, row: userRow },
  { name: "advisors", more: "moreAdvisors", ask: askPeople, row: advisorRow },
  { name: "records", more: "moreRecords", ask: askRecords, row: recordRow },
  {
    name: "entries",
    more: "moreEntries",
    ask: askEntries,
    row: (entry) => ledgerRow(entry, { withUser: true }),
  },
];

function askPeople({ query, reason, from, to }: Search): Record<string, string> | null {
  return reason || from || to ? null : { query };
}

function askRecords({ query, reason, from, to }: Search): Record<string, string> {
  return { query, reason, from, to };
}

function askEntries({ query, reason, from, to }: Search): Record<string, string> | null {
  return reason ? null : { query, from, to };
}

/** The first instant of a day in the time zone of the reader, `later` days later; "" without a day. */
function dayStart(day: string, later = 0): string {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return day === "" ? "" : new Date(year, month - 1, date + later).toISOString();
}

function readForm(form: HTMLFormElement): Search {
  const field = (name: string): string => String(new FormData(form).get(name) ?? "").trim();
  return {
    query: field("query"),
    list: field("list"),
    reason: field("reason"),
    from: dayStart(field("from")),
    to: dayStart(field("to"), 1),
  };
}

/** The fields are in the address, so that a search can be kept, sent and returned to. */
function keepInAddress(form: HTMLFormElement): void {
  const filled = [...new FormData(form)].filter(([, value]) => value !== "") as [string, string][];
  const query = new URLSearchParams(filled).toString();
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
}

function fillForm(form: HTMLFormElement): void {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) field.value = value;
  }
}

let searches = 0;

async function search(form: HTMLFormElement): Promise<void> {
  keepInAddress(form);
  searches += 1;
  const number = searches;
  const wanted = readForm(form);
  const sections = await Promise.all(LISTS.map((list) => section(list, wanted)));
  if (number !== searches) return; // the form was sent again meanwhile
  showProblem(null);
  const found = sections.filter((section) => section !== null);
  find("lists").replaceChildren(...found);
  setText(find("found"), found.length === 0 ? say("nothingFound") : "");
}

/** The results of a search in one list, with a button for more; null if there are none. */
async function section({ name, more, ask, row }: List, wanted: Search): Promise<HTMLElement | null> {
  const asked = wanted.list === "" || wanted.list === name ? ask(wanted) : null;
  if (asked === null) return null;
  const rows = make("ul", { class: "rows", id: `${name}-rows` });
  const button = make("button", { type: "button" }, say(more));
  await showPages(button, async (after) => {
    const given = { ...asked, limit: String(PAGE), after: after ?? "" };
    const query = new URLSearchParams(Object.entries(given).filter(([, value]) => value !== ""));
    const page = await request<{ data: object[]; next: string | null }>("GET", `/${name}?${query}`);
    rows.append(...page.data.map(row));
    return page.next;
  });
  if (rows.childElementCount === 0 && button.hidden) return null;
  const heading = make("h2", { id: `${name}-title` }, say(name));
  return make("section", { id: name, "aria-labelledby": heading.id }, heading, rows, make("p", {}, button));
}

function personRow(page: string, name: string, id: string, figure: string, line: string): HTMLElement {
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row", href: root + page },
      make("strong", { dir: "auto" }, name),
      make("span", { class: "number" }, figure),
      make("span", { class: "quiet", dir: "auto" }, id),
      make("span", { class: "quiet" }, line),
    ),
  );
}

function userRow({ user_id, display_name, available }: Account): HTMLElement {
  return personRow(
    path`/operator/users/${user_id}`,
    display_name,
    user_id,
    money(available),
    say("available"),
  );
}

function advisorRow({ id, display_name, tariff }: Advisor): HTMLElement {
  return personRow(path`/operator/advisors/${id}`, display_name, id, "", price(tariff));
}

if (await openPage("operator")) {
  const form = find<HTMLFormElement>("search");
  fillForm(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search(form).catch(showProblem);
  });
  search(form).catch(showProblem);
}
