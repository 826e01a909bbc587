/** A user as operators see one: the account, the records with their receipts, the entries with who asked for them. */

import { find, make, setText } from "../shell/dom.ts";
import { openPage, showLoaded, showProblem } from "../shell/frame.ts";
import { ledgerRow } from "../shell/ledger-row.ts";
import { showPages } from "../shell/more.ts";
import { showPastSessions } from "../shell/past-sessions.ts";
import { receiptRow } from "../shell/receipt-row.ts";
import { type Account, type Documents, path, type RecordSummary, request } from "../shell/service.ts";
import { say } from "../texts/language.ts";
import { dayAndTime, minutes, money } from "../texts/words.ts";
import { offerActs, offerRecords } from "./acts.ts";

const PAGE = 20;

/** The query of a page of a list. */
function page(after: string | null, others: Record<string, string> = {}): string {
  return new URLSearchParams({
    ...others,
    limit: String(PAGE),
    ...(after !== null && { after }),
  }).toString();
}

async function showAccount(user: string): Promise<Account> {
  const account = await request<Account>("GET", path`/users/${user}/account`);
  setText(find("name"), account.display_name);
  setText(find("id"), account.user_id);
  setText(find("available"), money(account.available));
  setText(find("balance"), money(account.balance));
  setText(find("committed"), money(account.committed));
  setText(find("gift"), money(account.gift));
  const { next_expiry: next } = account;
  setText(
    find("expiry"),
    next ? say("giftExpiresWhen", { amount: money(next.amount), when: dayAndTime(next.expires_at) }) : "",
  );
  const own = Object.entries(account.metadata ?? {});
  find("metadata").replaceChildren(
    ...own.map(([name, value]) =>
      make("div", {}, make("dt", { dir: "auto" }, name), make("dd", { dir: "auto" }, value)),
    ),
  );
  return account;
}

async function showRecords(user: string): Promise<void> {
  const shown: RecordSummary[] = [];
  const rows = find("records");
  await showPages(find<HTMLButtonElement>("more-records"), async (after) => {
    const list = await request<Documents["RecordSummaries"]>(
      "GET",
      `${path`/users/${user}/records`}?${page(after)}`,
    );
    if (after === null) rows.replaceChildren();
    shown.push(...list.data);
    rows.append(
      ...list.data.map((record) =>
        receiptRow(
          record,
          record.advisor_name,
          `${dayAndTime(record.started_at)}, ${minutes(record.elapsed_ms)}`,
        ),
      ),
    );
    find("no-records").hidden = shown.length > 0;
    offerRecords(shown);
    return list.next;
  });
}

async function showEntries(user: string): Promise<void> {
  const rows = find("entries");
  await showPages(find<HTMLButtonElement>("more-entries"), async (after) => {
    const list = await request<Documents["LedgerEntries"]>(
      "GET",
      `/entries?${page(after, { user_id: user })}`,
    );
    if (after === null) rows.replaceChildren();
    rows.append(...list.data.map((entry) => ledgerRow(entry)));
    find("no-entries").hidden = rows.childElementCount > 0;
    return list.next;
  });
}

async function open(user: string, operator: string): Promise<void> {
  const load = async (): Promise<Account> => {
    const [account] = await Promise.all([showAccount(user), showRecords(user), showEntries(user)]);
    return account;
  };
  const [{ display_name }] = await Promise.all([load(), showPastSessions("user_id", user, "advisor_id")]);
  document.title = `${display_name} · talktime`;
  offerActs({ id: user, name: display_name }, operator, load);
  showLoaded();
  find("account").hidden = false;
}

const session = await openPage("operator");
const user = find("content").dataset.user ?? "";
if (session) open(user, session.subject).catch(showProblem);
