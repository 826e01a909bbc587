/** The receipt of a record: when its time ran, what the time costs and why, what was charged. */

import { type Check, holds } from "../../src/core/check.ts";
import { stopwatch } from "../../src/core/digits.ts";
import { credits, micros } from "../../src/core/price.ts";
import type { Gap, Instant, Json, Receipt } from "../../src/core/types.ts";
import { verify } from "../../src/core/verify.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, showProblem } from "../shell/frame.ts";
import { pairChats, path, request } from "../shell/service.ts";
import { day, money, price, reason, timeOfDay, unbilled } from "../texts/words.ts";
import { offerRefund, showRefundable } from "./refund.ts";
import { partsOf, type TimelinePart, timeline } from "./timeline.ts";

const KINDS: Record<string, string> = {
  charge: "Charge",
  refund: "Refund",
};

function show(receipt: Receipt, numbers: ReadonlyMap<string, number>): void {
  const { record } = receipt;
  const end = record.ended_at ?? receipt.server_time;
  setText(
    find("between"),
    `${receipt.user_name} with ${receipt.advisor_name}, ${day(record.started_at)}, ${timeOfDay(record.started_at)} to ${timeOfDay(end)}`,
  );
  find("open").hidden = record.state === "ended";
  find("facts").replaceChildren(
    fact("Time", stopwatch(receipt.elapsed_ms)),
    fact("Charged time", stopwatch(receipt.billed_ms)),
    fact("Cost", money(receipt.cost)),
    fact("Ended", record.state === "ended" ? reason(record.reason) : "not yet"),
  );
  find("unbilled").hidden = receipt.gaps.length === 0;
  find("gaps").replaceChildren(...receipt.gaps.map(gapRow));
  const parts = partsOf(receipt.segments, end, numbers);
  const picture = find("timeline");
  const drawPicture = () => picture.replaceChildren(...timeline(parts, picture.clientWidth));
  window.onresize = drawPicture;
  find("timeline-parts").replaceChildren(...parts.map(row));
  setText(find("price"), price(receipt.tariff));
  find("lines").replaceChildren(
    ...receipt.lines.map(({ text, amount }) =>
      make("tr", {}, make("th", { scope: "row" }, text), number(money(amount))),
    ),
  );
  setText(find("cost"), money(receipt.cost));
  find("entries").replaceChildren(
    ...receipt.entries.map(({ at, kind, amount, reason: why }) =>
      make(
        "tr",
        {},
        make("td", {}, make("time", { datetime: at }, timeOfDay(at))),
        make("td", {}, `${KINDS[kind] ?? kind}${why ? `: ${why}` : ""}`),
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
  find("receipt").hidden = false;
  drawPicture();
}

function gapRow({ started_at, ended_at, duration_ms, reason: why, caused_by }: Gap): HTMLElement {
  const time = (instant: Instant | null): HTMLElement =>
    make("td", {}, instant === null ? "not over" : make("time", { datetime: instant }, timeOfDay(instant)));
  const what = make("td", {}, unbilled(why, caused_by));
  return make("tr", {}, time(started_at), time(ended_at), what, number(stopwatch(duration_ms)));
}

/** Computes all of it again in this browser, and shows the result. */
function prove(document: unknown): void {
  const result = find("proof");
  result.hidden = false;
  let checks: Check[];
  try {
    checks = verify(document);
  } catch {
    result.replaceChildren(make("p", { class: "problem" }, "This is not a receipt that can be checked."));
    return;
  }
  const { record, cost } = document as Receipt;
  const wrong = checks.filter((check) => !holds(check));
  const verdict = make(
    "p",
    { class: wrong.length > 0 ? "problem" : "good" },
    wrong.length > 0
      ? `${wrong.length} of ${checks.length} figures differ from what the facts give.`
      : `All ${checks.length} figures follow from the facts: time, price, charges and totals.`,
  );
  const subject = make(
    "p",
    { class: "quiet" },
    `Record ${record.id}, ${cost} credits. Computed in this browser; nothing was sent.`,
  );
  const list = make(
    "ul",
    {},
    ...wrong.map(({ path, what, stated, found }) =>
      make("li", {}, make("code", {}, path), ` says ${figure(stated)}, but is ${figure(found)}: ${what}.`),
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
    find("proof").replaceChildren(make("p", { class: "problem" }, "That file is not a receipt."));
  }
}

function fact(name: string, value: string): HTMLElement {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

function row({ from, to, ms, chat, reason: why }: TimelinePart): HTMLElement {
  const pause = why === "paused" ? "Paused" : `Paused: ${reason(why)}`;
  const what = chat === null ? pause : `Chat ${chat}`;
  const time = (instant: Instant): HTMLElement =>
    make("td", {}, make("time", { datetime: instant }, timeOfDay(instant)));
  return make("tr", {}, time(from), time(to), make("td", {}, what), number(stopwatch(ms)));
}

function number(text: string): HTMLElement {
  return make("td", { class: "number" }, text);
}

const session = openPage("user", "advisor", "operator");
if (session) {
  const recordId = find("content").dataset.record ?? "";
  let receipt: Receipt | null = null;
  const load = async (): Promise<void> => {
    receipt = await request<Receipt>("GET", path`/records/${recordId}/receipt`);
    const chats = await pairChats(session.role === "service" ? "operator" : session.role, receipt.record);
    show(receipt, new Map(chats.map(({ id, number }) => [id, number])));
    showRefundable(receipt);
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
  if (session.role === "operator" || session.role === "service") offerRefund(recordId, load);
  load().catch(showProblem);
}
