/** The books of a month: what each kind of book had, got and gave, its entries as a file, and what the auditor has found. */

import { credits, micros } from "../../src/core/price.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showLoaded, showProblem } from "../shell/frame.ts";
import { type Month, openMonth, periodOf } from "../shell/month.ts";
import { type Documents, noticeSignOut, request } from "../shell/service.ts";
import { say, type Word } from "../texts/language.ts";
import { dayAndTime, money } from "../texts/words.ts";
import { entriesFile } from "./entries-file.ts";

type Book = Documents["Book"];
type Column = Exclude<keyof Book, "book" | "owner" | "name">;

/** The columns of the report in its order, with their words. */
const COLUMNS: [Column, Word][] = [
  ["opening", "opening"],
  ["purchase", "purchases"],
  ["gift", "gifts"],
  ["refund", "refunds"],
  ["debit", "debits"],
  ["charge", "charges"],
  ["share", "shares"],
  ["expiry", "expiries"],
  ["closing", "closing"],
];

const BOOKS: Record<Book["book"], Word> = {
  user: "users",
  advisor: "advisors",
  revenue: "revenue",
  promotion: "promotion",
  outside: "outside",
};

async function showReport(month: Month): Promise<void> {
  const { totals } = await request<Documents["Report"]>("GET", `/report?${periodOf(month)}&by_person=false`);
  find("columns").append(
    ...COLUMNS.map(([, word]) => make("th", { scope: "col", class: "number" }, say(word))),
  );
  find("books").replaceChildren(...totals.map(row));
  const sums = COLUMNS.map(([column]) => totals.reduce((sum, book) => sum + micros(book[column]), 0n));
  find("sums").append(...sums.map((sum) => number(credits(sum))));
  const isBalanced = sums.every((sum) => sum === 0n);
  setText(find("balanced"), say(isBalanced ? "balanced" : "unbalanced"));
  find("balanced").className = isBalanced ? "quiet" : "problem";
  find("report").hidden = false;
}

function row(book: Book): HTMLElement {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, say(BOOKS[book.book])),
    ...COLUMNS.map(([column]) => number(book[column])),
  );
}

function number(amount: string): HTMLElement {
  return make("td", { class: "number" }, money(amount));
}

async function showAudit(): Promise<void> {
  const { ended_at, accounts, rules } = await request<Documents["LastAudit"]>("GET", "/audit");
  setText(
    find("turn"),
    ended_at === null
      ? say("noAuditYet")
      : say("auditEnded", { accounts: String(accounts), when: dayAndTime(ended_at) }),
  );
  const broken = rules.filter(({ breaches }) => breaches > 0);
  const lines = broken.map(({ rule, says, breaches, repair }) => {
    const values = { rule: String(rule), count: String(breaches), says, repair };
    return make("li", { class: "problem" }, say("ruleBroken", values));
  });
  const none = make("li", {}, say("noRuleBroken", { count: String(rules.length) }));
  find("rules").replaceChildren(...(broken.length > 0 ? lines : [none]));
  find("audit").hidden = false;
}

async function save(month: Month): Promise<void> {
  const file = await noticeSignOut(entriesFile(periodOf(month)));
  const address = URL.createObjectURL(file);
  const name = `entries-${month.name}.csv`;
  make("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
  setText(find("saved"), say("savedAs", { file: name }));
}

async function open(): Promise<void> {
  const month = await openMonth();
  await Promise.all([showReport(month), showAudit()]);
  showLoaded();
  const button = find<HTMLButtonElement>("csv");
  button.addEventListener("click", () => void perform(button, () => save(month)));
}

if (await openPage("operator")) open().catch(showProblem);
