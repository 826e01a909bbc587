/** One record in a list for operators: who, when, for how long, what it cost, and why it stopped. */

import { reasonNow } from "../../src/talk/presence.ts";
import { say } from "../texts/language.ts";
import { dayAndTime, minutes, money, reason } from "../texts/words.ts";
import { make } from "./dom.ts";
import { type Documents, path, root } from "./service.ts";

/** A row that links to the receipt. */
export function recordRow(record: Documents["RecordWithSnapshot"]): HTMLElement {
  const { id, state, started_at, stopped_at, snapshot } = record;
  // "paused: paused" and "ended: stopped" would say one thing twice.
  const saysMore = record.reason !== null && !["paused", "stopped"].includes(record.reason);
  const now = reasonNow({ reason: record.reason, presence: snapshot.presence }, "operator");
  const why = saysMore ? `: ${reason(now)}` : "";
  const stopped = stopped_at === null ? "" : ` · ${say("stoppedWhen", { when: dayAndTime(stopped_at) })}`;
  return make(
    "li",
    {},
    make(
      "a",
      { class: "row record", href: root + path`/receipts/${id}` },
      make(
        "strong",
        { dir: "auto" },
        say("pairNames", { user: record.user_name, advisor: record.advisor_name }),
      ),
      make("span", { class: "number" }, money(snapshot.cost)),
      make(
        "span",
        { class: "quiet whole" },
        `${dayAndTime(started_at)}, ${minutes(snapshot.elapsed_ms)}${stopped}`,
      ),
      make("span", { class: `badge ${state}` }, say(state) + why),
    ),
  );
}
