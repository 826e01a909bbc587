/** A record's bill: when time ran, what it cost and why, what was taken. */

import { stopwatch } from "../src/digits.ts";
import { credits, micros } from "../src/price.ts";
import type { ConversationRecord, Credits, Instant, Tariff } from "../src/types.ts";
import { find, make, say } from "./parts/dom.ts";
import { enter, showProblem } from "./parts/frame.ts";
import { ask, path } from "./parts/service.ts";
import { type Segment, type Stretch, stretchesOf, timeline } from "./parts/timeline.ts";
import { day, exactly, money, price, reason } from "./parts/words.ts";

interface Receipt {
  server_time: Instant;
  record: ConversationRecord;
  user_name: string;
  advisor_name: string;
  tariff: Tariff;
  segments: Segment[];
  elapsed_ms: number;
  billed_ms: number;
  cost: Credits;
  lines: { text: string; amount: Credits }[];
  entries: { id: string; amount: Credits; kind: string; at: Instant }[];
  how_to_recompute?: string;
}

const KINDS: Record<string, string> = {
  charge: "Charge",
  refund: "Refund",
  purchase: "Top-up",
  gift: "Gift",
};

function show(receipt: Receipt): void {
  const { record } = receipt;
  const end = record.ended_at ?? receipt.server_time;
  say(
    find("between"),
    `${receipt.user_name} with ${receipt.advisor_name}, ${day(record.started_at)}, ${exactly(record.started_at)} to ${exactly(end)}`,
  );
  find("open").hidden = record.state === "ended";
  find("facts").replaceChildren(
    fact("Time", stopwatch(receipt.elapsed_ms)),
    fact("Charged time", stopwatch(receipt.billed_ms)),
    fact("Cost", money(receipt.cost)),
    fact("Ended", record.state === "ended" ? reason(record.reason) : "not yet"),
  );
  const stretches = stretchesOf(receipt.segments, end);
  const picture = find("timeline");
  const drawPicture = () => picture.replaceChildren(...timeline(stretches, picture.clientWidth));
  window.addEventListener("resize", drawPicture);
  find("stretches").replaceChildren(...stretches.map(row));
  say(find("price"), price(receipt.tariff));
  find("lines").replaceChildren(
    ...receipt.lines.map(({ text, amount }) =>
      make("tr", {}, make("th", { scope: "row" }, text), number(money(amount))),
    ),
  );
  say(find("cost"), money(receipt.cost));
  find("entries").replaceChildren(
    ...receipt.entries.map(({ at, kind, amount }) =>
      make(
        "tr",
        {},
        make("td", {}, make("time", { datetime: at }, exactly(at))),
        make("td", {}, KINDS[kind] ?? kind),
        number(money(amount)),
      ),
    ),
  );
  say(find("total"), money(credits(receipt.entries.reduce((sum, { amount }) => sum + micros(amount), 0n))));
  find("recompute").hidden = !receipt.how_to_recompute;
  say(find("recompute-text"), receipt.how_to_recompute ?? "");
  find("receipt").hidden = false;
  drawPicture();
}

function fact(name: string, value: string): HTMLElement {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

function row({ from, to, ms, chat, reason: why }: Stretch): HTMLElement {
  const pause = why === "paused" ? "Paused" : `Paused: ${reason(why)}`;
  const what = chat === null ? pause : `Chat ${chat}`;
  const time = (instant: Instant): HTMLElement =>
    make("td", {}, make("time", { datetime: instant }, exactly(instant)));
  return make("tr", {}, time(from), time(to), make("td", {}, what), number(stopwatch(ms)));
}

function number(text: string): HTMLElement {
  return make("td", { class: "number" }, text);
}

if (enter("user", "advisor", "operator")) {
  find("print").addEventListener("click", () => window.print());
  ask<Receipt>("GET", path`/records/${find("content").dataset.record ?? ""}/receipt`)
    .then(show)
    .catch(showProblem);
}
