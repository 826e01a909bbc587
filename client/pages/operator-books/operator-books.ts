/** The books of a month: what each kind of book had, got and gave, its entries as a file, and what the auditor has found. */

import { credits, micros } from "../../src/core/price.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showLoaded, showProblem } from "../shell/frame.ts";
import { type Month, monthOfPage, periodOf, showMonth } from "../shell/month.ts";
import { type Documents, noticeSignOut, request } from "../shell/service.ts";
import { dayAndTime, money } from "../texts/words.ts";
import { entriesFile } from "./entries-file.ts";

type Book = Documents["Book"];
type Column = Exclude<keyof Book, "book" | "owner" | "name">;

/** The columns of the report in its order, with their words. */
const COLUMNS: [Column, string][] = [
  ["opening", "Before"],
  ["purchase", "Bought"],
  ["gift", "Gifts"],
  ["refund", "Refunds"],
  ["debit", "Taken"],
  ["charge", "Charges"],
  ["share", "Shares"],
  ["expiry", "Expired"],
  ["closing", "After"],
];

const BOOKS: Record<Book["book"], string> = {
  user: "Users",
  advisor: "Advisors",
  revenue: "Revenue",
  promotion: "Promotion",
  outside: "Outside",
};

async function showReport(month: Month): Promise<void> {
  const { totals } = await request<Documents["Report"]>("GET", `/report?${periodOf(month)}&by_person=false`);
  find("columns").append(...COLUMNS.map(([, words]) => make("th", { scope: "col", class: "number" }, words)));
  find("books").replaceChildren(...totals.map(row));
  const sums = COLUMNS.map(([column]) => totals.reduce((sum, book) => sum + micros(book[column]), 0n));
  find("sums").append(...sums.map((sum) => number(credits(sum))));
  const isBalanced = sums.every((sum) => sum === 0n);
  setText(
    find("balanced"),
    isBalanced
      ? "Each column adds up to nothing."
      : "A column does not add up to nothing: the report is wrong.",
  );
  find("balanced").className = isBalanced ? "quiet" : "problem";
  find("report").hidden = false;
}

function row(book: Book): HTMLElement {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, BOOKS[book.book]),
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
      ? "The auditor of this node has not got through all accounts yet."
      : `The auditor of this node got through all ${accounts} accounts on ${dayAndTime(ended_at)}.`,
  );
  const broken = rules.filter(({ breaches }) => breaches > 0);
  const words = broken.map(({ rule, says, breaches, repair }) =>
    make("li", { class: "problem" }, `Rule ${rule} is broken ${breaches} times: ${says}. To do: ${repair}.`),
  );
  const none = make("li", {}, `None of the ${rules.length} rules was seen broken.`);
  find("rules").replaceChildren(...(broken.length > 0 ? words : [none]));
  find("audit").hidden = false;
}

async function save(month: Month): Promise<void> {
  const file = await noticeSignOut(entriesFile(periodOf(month)));
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: `entries-${month.name}.csv` }).click();
  URL.revokeObjectURL(address);
  setText(find("saved"), `Saved as entries-${month.name}.csv.`);
}

async function open(): Promise<void> {
  const month = monthOfPage();
  showMonth(month);
  await Promise.all([showReport(month), showAudit()]);
  showLoaded();
  const button = find<HTMLButtonElement>("csv");
  button.addEventListener("click", () => void perform(button, () => save(month)));
}

if (await openPage("operator")) open().catch(showProblem);
