/**
 * What is running now.
 *
 * The facts are asked for every two seconds; between, the digits move by the same rule as on every screen.
 */

import { stopwatch } from "../src/digits.ts";
import { measure } from "../src/meter.ts";
import type { ConversationRecord, Snapshot } from "../src/types.ts";
import { find, make, say } from "./parts/dom.ts";
import { act, enter, showProblem } from "./parts/frame.ts";
import { ask, path, root } from "./parts/service.ts";
import { exactly, money, reason } from "./parts/words.ts";

const AGAIN_MS = 2000;
const PAINT_MS = 250;

interface Row {
  element: HTMLElement;
  cells: Record<"state" | "time" | "cost" | "credits" | "cut" | "lease", HTMLElement>;
  snapshot: Snapshot;
  receivedAt: number;
}

const rows = new Map<string, Row>();

async function refresh(): Promise<void> {
  try {
    const { records } = await ask<{ records: { snapshot: Snapshot }[] }>("GET", "/records?state=active");
    show(records.map(({ snapshot }) => snapshot));
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
  if (document.hidden) document.addEventListener("visibilitychange", () => void refresh(), { once: true });
  else setTimeout(() => void refresh(), AGAIN_MS);
}

function show(snapshots: Snapshot[]): void {
  for (const snapshot of snapshots) update(snapshot);
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

function update(snapshot: Snapshot): void {
  const { record } = snapshot;
  if (!record) return;
  const known = rows.get(record.id);
  // A record that moved to another chat is a new row: its links are others.
  if (known?.snapshot.chat.id === snapshot.chat.id) {
    Object.assign(known, { snapshot, receivedAt: performance.now() });
    return;
  }
  const row = build(record, snapshot);
  if (known) known.element.replaceWith(row.element);
  else find("records").append(row.element);
  rows.set(record.id, row);
}

function build(record: ConversationRecord, snapshot: Snapshot): Row {
  const cell = (name = ""): HTMLElement => make("td", { class: name });
  const cells = {
    state: cell(),
    time: cell("number"),
    cost: cell("number"),
    credits: cell("number"),
    cut: cell(),
    lease: cell(),
  };
  const stop = make("button", { type: "button", class: "danger" }, "Stop");
  stop.setAttribute("aria-label", `Stop ${record.user_id} with ${record.advisor_id}`);
  stop.addEventListener("click", () => confirm(stop, record));
  const chat = make(
    "a",
    { href: root + path`/chat/${record.current_chat_id}` },
    short(record.current_chat_id),
  );
  const element = make(
    "tr",
    {},
    make("th", { scope: "row" }, record.user_id),
    make("td", {}, record.advisor_id),
    make("td", {}, chat),
    ...Object.values(cells),
    make("td", {}, stop),
  );
  return { element, cells, snapshot, receivedAt: performance.now() };
}

function paint(): void {
  for (const { cells, snapshot, receivedAt } of rows.values()) {
    const { timer, record } = snapshot;
    const now = measure(snapshot, Date.parse(snapshot.server_time) + performance.now() - receivedAt);
    say(
      cells.state,
      record?.state === "paused" && record.reason !== "paused"
        ? `paused: ${reason(record.reason)}`
        : (record?.state ?? ""),
    );
    say(cells.time, stopwatch(now.recordElapsedMs));
    say(cells.cost, money(now.cost));
    say(cells.credits, money(now.balance));
    say(cells.cut, timer.cut_at === null ? "–" : exactly(timer.cut_at));
    say(cells.lease, timer.lease_until === null ? "–" : exactly(timer.lease_until));
  }
}

function confirm(button: HTMLButtonElement, record: ConversationRecord): void {
  const dialog = find<HTMLDialogElement>("confirm");
  say(
    find("confirm-text"),
    `${record.user_id} with ${record.advisor_id}. It ends for both at once and can’t be continued.`,
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
