/**
 * What is running now.
 *
 * The facts are asked for every two seconds; between, the digits move by the same rule as on every screen.
 */

import { stopwatch } from "../../src/core/digits.ts";
import { measure } from "../../src/core/meter.ts";
import type { ConversationRecord, Snapshot } from "../../src/core/types.ts";
import { find, make, say } from "../shell/dom.ts";
import { act, enter, showProblem } from "../shell/frame.ts";
import { ask, path, root } from "../shell/service.ts";
import { exactly, money, reason } from "../texts/words.ts";

const AGAIN_MS = 2000;
const PAINT_MS = 250;

/** A record as the list of records tells it. */
interface Listed {
  user_name: string;
  advisor_name: string;
  /** Who has a live channel open on the current chat. */
  connected: ("user" | "advisor")[];
  snapshot: Snapshot;
}

interface Row {
  element: HTMLElement;
  cells: Record<
    "user" | "advisor" | "state" | "since" | "time" | "cost" | "credits" | "cut" | "lease",
    HTMLElement
  >;
  listed: Listed;
  snapshot: Snapshot;
  receivedAt: number;
}

const rows = new Map<string, Row>();

async function refresh(): Promise<void> {
  try {
    show((await ask<{ records: Listed[] }>("GET", "/records?state=active")).records);
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
  if (document.hidden) document.addEventListener("visibilitychange", () => void refresh(), { once: true });
  else setTimeout(() => void refresh(), AGAIN_MS);
}

function show(records: Listed[]): void {
  const snapshots = records.map(({ snapshot }) => snapshot);
  for (const listed of records) update(listed);
  const ids = new Set(snapshots.map(({ record }) => record?.id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  const running = snapshots.filter(({ timer }) => timer.running).length;
  say(find("summary"), `${running} running, ${snapshots.length - running} paused`);
  find("no-records").hidden = snapshots.length > 0;
  find("table").hidden = snapshots.length === 0;
  paint();
}

function update(listed: Listed): void {
  const { snapshot } = listed;
  const { record } = snapshot;
  if (!record) return;
  const known = rows.get(record.id);
  // A record that moved to another chat is a new row: its links are others.
  if (known?.snapshot.chat.id === snapshot.chat.id) {
    Object.assign(known, { listed, snapshot, receivedAt: performance.now() });
    return;
  }
  const row = build(record, listed);
  if (known) known.element.replaceWith(row.element);
  else find("records").append(row.element);
  rows.set(record.id, row);
}

function build(record: ConversationRecord, listed: Listed): Row {
  // Roles and labels in words: on a phone the rows are cards, and the style that makes them takes a table's meaning.
  const cell = (label: string, name = ""): HTMLElement =>
    make("td", { role: "cell", "data-label": label, class: name });
  const cells = {
    user: make("th", { scope: "row", role: "rowheader", "data-label": "User" }),
    advisor: cell("Advisor"),
    state: cell("State"),
    since: cell("Since"),
    time: cell("Time", "number"),
    cost: cell("Cost", "number"),
    credits: cell("Credits", "number"),
    cut: cell("Enough until"),
    lease: cell("Present until"),
  };
  const stop = make("button", { type: "button", class: "danger" }, "Stop");
  stop.setAttribute("aria-label", `Stop ${listed.user_name} with ${listed.advisor_name}`);
  stop.addEventListener("click", () => confirm(stop, record, listed));
  const chat = make(
    "a",
    { href: root + path`/chat/${record.current_chat_id}` },
    short(record.current_chat_id),
  );
  const { user, advisor, ...figures } = cells;
  const chatCell = cell("Chat");
  chatCell.append(chat);
  const stopCell = cell("");
  stopCell.append(stop);
  const element = make("tr", { role: "row" }, user, advisor, chatCell, ...Object.values(figures), stopCell);
  return { element, cells, listed, snapshot: listed.snapshot, receivedAt: performance.now() };
}

function paint(): void {
  for (const { cells, listed, snapshot, receivedAt } of rows.values()) {
    const { timer, record } = snapshot;
    say(cells.user, person(listed, "user"));
    say(cells.advisor, person(listed, "advisor"));
    const since = timer.since ?? record?.paused_at ?? null;
    say(cells.since, since === null ? "–" : exactly(since));
    const now = measure(snapshot, Date.parse(snapshot.server_time) + performance.now() - receivedAt);
    say(
      cells.state,
      record?.state === "paused" && record.reason !== "paused"
        ? `paused: ${reason(record.reason)}`
        : `${record?.state ?? ""}${record?.paused_by ? ` by the ${record.paused_by}` : ""}`,
    );
    say(cells.time, stopwatch(now.recordElapsedMs));
    say(cells.cost, money(now.cost));
    say(cells.credits, money(now.balance));
    say(cells.cut, timer.cut_at === null ? "–" : exactly(timer.cut_at));
    say(cells.lease, timer.lease_until === null ? "–" : exactly(timer.lease_until));
  }
}

/** The name, the id where it says more, and whether a screen of theirs is connected. */
function person({ snapshot, ...listed }: Listed, side: "user" | "advisor"): string {
  const [name, id] =
    side === "user"
      ? [listed.user_name, snapshot.chat.user_id]
      : [listed.advisor_name, snapshot.chat.advisor_id];
  const named = name === id ? name : `${name} (${short(id)})`;
  return listed.connected.includes(side) ? named : `${named}, not connected`;
}

function confirm(button: HTMLButtonElement, record: ConversationRecord, listed: Listed): void {
  const dialog = find<HTMLDialogElement>("confirm");
  say(
    find("confirm-text"),
    `${listed.user_name} with ${listed.advisor_name}. It ends for both at once and can’t be continued.`,
  );
  dialog.returnValue = "";
  dialog.onclose = () => {
    if (dialog.returnValue === "stop") {
      void act(button, () => ask("POST", path`/chats/${record.current_chat_id}/stop`));
    }
  };
  dialog.showModal();
}

/** Made-up ids are long; their end tells them apart. */
function short(id: string): string {
  return id.length > 14 ? `…${id.slice(-8)}` : id;
}

if (enter("operator")) {
  void refresh();
  setInterval(paint, PAINT_MS);
}
