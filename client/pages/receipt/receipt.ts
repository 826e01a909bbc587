/** The receipt of a record: when its time ran, what the time costs and why, what was charged. */

import { type Check, holds } from "../../src/core/check.ts";
import { credits, micros } from "../../src/core/price.ts";
import type { ConversationRecord, Gap, Instant, Json, Receipt } from "../../src/core/types.ts";
import { verify } from "../../src/core/verify.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, showLoaded, showProblem } from "../shell/frame.ts";
import { chatsOf, ofPair, path, request, root } from "../shell/service.ts";
import { say, talkWords, type Word } from "../texts/language.ts";
import { lineWords } from "../texts/lines.ts";
import { tariffOfReceipt } from "../texts/offer.ts";
import {
  bearerText,
  currencyName,
  currencyOfPage,
  day,
  dayAndTime,
  durationText,
  exactDigits,
  money,
  nameInSentence,
  price,
  reason,
  shortDayAndTime,
  timeOfDay,
  timeZone,
} from "../texts/words.ts";
import { paymentsOf } from "./payments.ts";
import { linkPeople } from "./people.ts";
import { endReason, gapReason } from "./reasons.ts";
import { offerRefund, showRefundable } from "./refund.ts";
import { partsOf, type TimelinePart, timeline } from "./timeline.ts";

const KINDS: Record<string, Word> = { charge: "charge", refund: "refund" };

function show(receipt: Receipt, numbers: ReadonlyMap<string, number>): void {
  const { record } = receipt;
  const end = record.ended_at ?? receipt.server_time;
  showSeller(receipt);
  showAbout(receipt, end);
  find("open").hidden = record.state === "ended";
  showSum(receipt);
  showPayments(receipt);
  showDetails(receipt, end, numbers);
  find<HTMLAnchorElement>("chat").href = root + path`/chat/${record.current_chat_id}`;
  for (const id of ["sum", "payments", "acts", "details"]) find(id).hidden = false;
  document.title = `${say("receipt")} ${record.id} · ${find("seller").textContent || "talktime"}`;
}

/** A receipt names the seller and the currency of its record's start, whatever the settings say today. */
function showSeller(receipt: Receipt): void {
  const { dataset } = document.documentElement;
  if (receipt.currency != null) dataset.currency = receipt.currency;
  const seller = receipt.seller ?? dataset.seller ?? "";
  find("seller").hidden = seller === "";
  setText(find("seller"), seller);
}

function showAbout(receipt: Receipt, end: Instant): void {
  const { record } = receipt;
  const started = record.started_at;
  const sameDay = day(started) === day(end);
  const until = sameDay ? timeOfDay(end) : `${day(end)}, ${timeOfDay(end)}`;
  find("about").replaceChildren(
    fact(say("number"), record.id),
    fact(
      say("who"),
      say("pairNames", {
        user: nameInSentence(receipt.user_name),
        advisor: nameInSentence(receipt.advisor_name),
      }),
    ),
    fact(
      say("when"),
      say("whenRange", {
        start: `${day(started)}, ${timeOfDay(started)}`,
        end: until,
        zone: timeZone(started),
      }),
    ),
    fact(
      say("time"),
      // Time that is charged by whole steps may be more than the time that ran.
      say(receipt.billed_ms > receipt.elapsed_ms ? "timeChargedAs" : "timeCharged", {
        time: exactDigits(receipt.elapsed_ms),
        billed: exactDigits(receipt.billed_ms),
      }),
    ),
    fact(say("endedWhy"), endReason(receipt)),
  );
}

/** The arithmetic from the time to the cost. */
function showSum(receipt: Receipt): void {
  const { grace_used_at, tariff } = receipt;
  const texts = [price(tariffOfReceipt(receipt))];
  // The user may know the tariff with a grace that this record did not have.
  if (grace_used_at && tariff.grace_seconds)
    texts.push(
      say("graceUsed", { duration: durationText(tariff.grace_seconds), when: dayAndTime(grace_used_at) }),
    );
  setText(find("price"), texts.join(". "));
  const words = lineWords(receipt);
  find("lines").replaceChildren(
    ...receipt.lines.map(({ amount }, index) =>
      make("tr", {}, make("th", { scope: "row" }, words[index] ?? ""), number(money(amount))),
    ),
  );
  setText(find("cost"), money(receipt.cost));
}

/** What was paid, each refund with who bears it, which users are not told, and what remains. */
function showPayments({ entries, totals, unposted, shares }: Receipt): void {
  const refunds = entries.filter(({ kind }) => kind === "refund");
  const shared = new Map(shares?.entries.map((entry) => [entry.id, entry]));
  const rows = paymentsOf(entries).map(({ id, kind, at, amount, reason: why }) => {
    const paid = credits(-micros(amount));
    if (kind === "charge") return payment(at, say("thisConversation"), paid);
    const part = shared.get(id)?.advisor_amount;
    const borne = part === undefined ? "" : ` · ${bearerText(credits(-micros(part)))}`;
    return payment(at, (why ? say("refundWhy", { why }) : say("refund")) + borne, paid);
  });
  const nothing = make("tr", {}, make("td", { colspan: "2" }, talkWords().nothingCharged));
  find("paid").replaceChildren(...(rows.length > 0 ? rows : [nothing]));
  setText(find("net-name"), say(refunds.length > 0 ? "paidAfterRefunds" : "paidInAll"));
  setText(find("net"), money(totals.paid));
  find("gift-row").hidden = micros(totals.gift) === 0n;
  setText(find("gift"), money(totals.gift));
  const currency = currencyOfPage();
  const unit = currency === "" ? say("inCredits") : say("inCurrency", { currency: currencyName(currency) });
  const open = micros(unposted) === 0n ? "" : ` ${say("owed", { amount: money(unposted) })}`;
  setText(find("currency"), unit + open);
}

function payment(at: Instant, what: string, amount: string): HTMLElement {
  const when = make("time", { class: "quiet", datetime: at }, dayAndTime(at));
  const name = make("span", { dir: "auto" }, what);
  return make("tr", {}, make("th", { scope: "row" }, name, when), number(money(amount)));
}

/** What is folded: when the time ran, each entry, how to compute all of it again. */
function showDetails(receipt: Receipt, end: Instant, numbers: ReadonlyMap<string, number>): void {
  find("unbilled").hidden = receipt.gaps.length === 0;
  find("gaps").replaceChildren(...receipt.gaps.map((gap) => gapRow(gap, receipt.record)));
  const parts = partsOf(receipt.segments, end, numbers);
  const picture = find("timeline");
  const drawPicture = () => picture.replaceChildren(...timeline(parts, picture.clientWidth));
  window.onresize = drawPicture;
  find("details").ontoggle = drawPicture;
  find("timeline-parts").replaceChildren(...parts.map(row));
  setText(find("ran"), exactDigits(receipt.elapsed_ms));
  find("entries").replaceChildren(
    ...receipt.entries.map(({ at, kind, amount, reason: why }) =>
      make(
        "tr",
        {},
        make("td", {}, make("time", { datetime: at }, shortDayAndTime(at))),
        make("td", { dir: "auto" }, kindWords(kind, why)),
        number(money(amount)),
      ),
    ),
  );
  setText(
    find("total"),
    money(credits(receipt.entries.reduce((sum, { amount }) => sum + micros(amount), 0n))),
  );
  find("recompute").hidden = !receipt.how_to_recompute;
  setText(find("recompute-text"), receipt.how_to_recompute ?? "");
  drawPicture();
}

function gapRow(gap: Gap, record: ConversationRecord): HTMLElement {
  const time = (instant: Instant | null): HTMLElement =>
    make(
      "td",
      {},
      instant === null ? say("notOver") : make("time", { datetime: instant }, timeOfDay(instant)),
    );
  const what = make("td", {}, gapReason(gap, record));
  return make("tr", {}, time(gap.started_at), time(gap.ended_at), what, number(exactDigits(gap.duration_ms)));
}

/** Computes all of it again in this browser, and shows the result. */
function prove(document: unknown): void {
  const result = find("proof");
  result.hidden = false;
  let checks: Check[];
  try {
    checks = verify(document);
  } catch {
    result.replaceChildren(make("p", { class: "problem" }, say("notCheckable")));
    return;
  }
  const { record, cost } = document as Receipt;
  const wrong = checks.filter((check) => !holds(check));
  const verdict = make(
    "p",
    { class: wrong.length > 0 ? "problem" : "good" },
    wrong.length > 0
      ? say("figuresDiffer", { wrong: String(wrong.length), all: String(checks.length) })
      : say("figuresFollow", { all: String(checks.length) }),
  );
  const subject = make("p", { class: "quiet" }, say("computedHere", { id: record.id, cost: money(cost) }));
  const list = make(
    "ul",
    {},
    ...wrong.map(({ path, what, stated, found }) =>
      make(
        "li",
        {},
        make("code", {}, path),
        say("figureSays", { stated: figure(stated), found: figure(found), what }),
      ),
    ),
  );
  result.replaceChildren(verdict, subject, ...(wrong.length > 0 ? [list] : []));
}

function figure(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function save(receipt: Receipt): void {
  const file = new Blob([JSON.stringify(receipt, null, 2)], { type: "application/json" });
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: `receipt-${receipt.record.id}.json` }).click();
  URL.revokeObjectURL(address);
}

async function proveFile(file: File): Promise<void> {
  try {
    prove(JSON.parse(await file.text()));
  } catch {
    find("proof").hidden = false;
    find("proof").replaceChildren(make("p", { class: "problem" }, say("notAReceipt")));
  }
}

function fact(name: string, value: string): HTMLElement {
  return make("div", {}, make("dt", {}, name), make("dd", { dir: "auto" }, value));
}

function row({ from, to, ms, chat, reason: why }: TimelinePart): HTMLElement {
  const pause = why === "paused" ? say("pausedTitle") : say("pauseWhy", { why: reason(why) });
  const what = chat === null ? pause : say("numberedChat", { number: String(chat) });
  const time = (instant: Instant): HTMLElement =>
    make("td", {}, make("time", { datetime: instant }, timeOfDay(instant)));
  return make("tr", {}, time(from), time(to), make("td", {}, what), number(exactDigits(ms)));
}

function kindWords(kind: string, why: string | null): string {
  const words = KINDS[kind];
  if (words === undefined) return kind;
  return why ? say("withDetail", { words: say(words), detail: why }) : say(words);
}

function number(text: string): HTMLElement {
  return make("td", { class: "number" }, text);
}

const session = await openPage("user", "advisor", "operator");
if (session) {
  const recordId = find("content").dataset.record ?? "";
  let receipt: Receipt | null = null;
  const load = async (): Promise<void> => {
    receipt = await request<Receipt>("GET", path`/records/${recordId}/receipt`);
    const viewer = session.role === "service" ? "operator" : session.role;
    const chats = ofPair(await chatsOf(viewer, receipt.record), receipt.record);
    show(receipt, new Map(chats.map(({ id, number }) => [id, number])));
    showRefundable(receipt);
    if (viewer === "operator") linkPeople(receipt);
    showLoaded();
  };
  find("print").addEventListener("click", () => window.print());
  find("check").addEventListener("click", () => receipt && prove(receipt));
  find("save").addEventListener("click", () => receipt && save(receipt));
  const file = find<HTMLInputElement>("file");
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) void proveFile(chosen);
    file.value = ""; // so that the same file can be chosen again
  });
  if (session.role === "operator" || session.role === "service")
    offerRefund(
      recordId,
      () => receipt?.record.state === "ended",
      () => receipt?.record.user_id ?? "",
      load,
    );
  load().catch(showProblem);
}
