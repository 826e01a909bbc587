/** A user's receipts, and everything that came and went on the account, by month and in words. */

import { credits, micros } from "../../src/core/price.ts";
import type { Entry } from "../../src/core/types.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, showLoaded, showProblem } from "../shell/frame.ts";
import { showPages } from "../shell/more.ts";
import { receiptRow } from "../shell/receipt-row.ts";
import { type Account, type Documents, path, type RecordSummary, request, root } from "../shell/service.ts";
import { entryWords } from "../texts/entries.ts";
import { say } from "../texts/language.ts";
import { minutes, money, month, shortDayAndTime } from "../texts/words.ts";
import { foldCharges } from "./folded.ts";

const PAGE = 100;

async function open(user: string): Promise<void> {
  const records = new Map<string, RecordSummary>();
  const entries: Entry[] = [];
  const account = await request<Account>("GET", path`/users/${user}/account`);
  setText(find("available"), money(account.available));
  find("committed").hidden = micros(account.committed) === 0n;
  setText(find("committed"), say("committed", { amount: money(account.committed) }));
  await showPages(find<HTMLButtonElement>("more-receipts"), async (next) => {
    const after = next === null ? "" : `&after=${encodeURIComponent(next)}`;
    const page = await request<Documents["RecordSummaries"]>(
      "GET",
      `${path`/users/${user}/records`}?limit=${PAGE}${after}`,
    );
    for (const record of page.records) records.set(record.id, record);
    find("receipts").append(
      ...page.records.map((record) =>
        receiptRow(
          record,
          record.advisor_name,
          `${shortDayAndTime(record.started_at)}, ${minutes(record.elapsed_ms)}`,
        ),
      ),
    );
    find("no-receipts").hidden = records.size > 0;
    return page.next;
  });
  await showPages(find<HTMLButtonElement>("more-entries"), async (next) => {
    const before = next === null ? "" : `&before=${next}`;
    const page = await request<Documents["Entries"]>(
      "GET",
      `${path`/users/${user}/entries`}?limit=${PAGE}${before}`,
    );
    entries.push(...page.entries);
    find("months").replaceChildren(...months(entries, records, page.next === null));
    find("no-entries").hidden = entries.length > 0;
    return page.next;
  });
  showLoaded();
}

/** The entries by month, the newest first. The sums of the last month are shown only where its entries are complete. */
function months(
  entries: readonly Entry[],
  records: ReadonlyMap<string, RecordSummary>,
  isComplete: boolean,
): HTMLElement[] {
  const names = [...new Set(entries.map(({ at }) => month(at)))];
  return names.map((name, index) => {
    const rows = entries.filter(({ at }) => month(at) === name);
    const isWhole = isComplete || index < names.length - 1;
    return make(
      "section",
      {},
      make("h3", {}, name),
      isWhole ? make("p", { class: "quiet" }, sums(rows)) : null,
      make(
        "table",
        { class: "sum" },
        make("caption", { class: "unseen" }, say("cameAndWentIn", { month: name })),
        make("tbody", {}, ...foldCharges(rows).map((entry) => row(entry, records))),
      ),
    );
  });
}

function sums(entries: readonly Entry[]): string {
  const sum = (sign: 1 | -1): bigint =>
    entries.reduce((total, { amount }) => {
      const part = micros(amount) * BigInt(sign);
      return part > 0n ? total + part : total;
    }, 0n);
  return say("cameWent", { came: money(credits(sum(1))), went: money(credits(sum(-1))) });
}

function row(entry: Entry, records: ReadonlyMap<string, RecordSummary>): HTMLElement {
  const { record_id } = entry;
  const words = entryWords(entry, records.get(record_id ?? "")?.advisor_name ?? null);
  const what = record_id === null ? words : make("a", { href: root + path`/receipts/${record_id}` }, words);
  return make(
    "tr",
    {},
    make("td", {}, make("time", { datetime: entry.at }, shortDayAndTime(entry.at))),
    make("td", { dir: "auto" }, what),
    make("td", { class: "number" }, money(entry.amount)),
  );
}

const session = await openPage("user");
if (session) open(session.subject).catch(showProblem);
