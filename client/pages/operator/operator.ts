/**
 * The records that run or are paused now.
 *
 * The facts are requested every two seconds; in between, the digits follow from them as on every screen.
 */

import { stopwatch } from "../../src/core/digits.ts";
import { measure } from "../../src/core/meter.ts";
import type { ConversationRecord, Snapshot } from "../../src/core/types.ts";
import { ask } from "../../src/talk/ask.ts";
import { find, make, setText } from "../shell/dom.ts";
import { openPage, perform, showProblem } from "../shell/frame.ts";
import { type Documents, path, request, root } from "../shell/service.ts";
import { money, reason, timeOfDay } from "../texts/words.ts";

const REFRESH_MS = 2000;
const PAINT_MS = 250;

type ListedRecord = Documents["RecordWithSnapshot"];

interface Row {
  element: HTMLElement;
  cells: Record<
    "user" | "advisor" | "state" | "since" | "time" | "cost" | "credits" | "cut" | "lease",
    HTMLElement
  >;
  listed: ListedRecord;
  snapshot: Snapshot;
  receivedAt: number;
}

const rows = new Map<string, Row>();

async function refresh(): Promise<void> {
  try {
    show((await request<Documents["Records"]>("GET", "/records?state=active")).records);
    showProblem(null);
  } catch (error) {
    showProblem(error);
  }
  if (document.hidden) document.addEventListener("visibilitychange", () => void refresh(), { once: true });
  else setTimeout(() => void refresh(), REFRESH_MS);
}

function show(records: ListedRecord[]): void {
  const snapshots = records.map(({ snapshot }) => snapshot);
  for (const listed of records) update(listed);
  const ids = new Set(snapshots.map(({ record }) => record?.id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  const inState = (state: string): number => snapshots.filter(({ record }) => record?.state === state).length;
  const ringing = inState("requested");
  const calls = ringing > 0 ? `, ${ringing} ringing` : "";
  setText(find("summary"), `${inState("running")} running, ${inState("paused")} paused${calls}`);
  find("no-records").hidden = snapshots.length > 0;
  find("table").hidden = snapshots.length === 0;
  paint();
}

function update(listed: ListedRecord): void {
  const { snapshot } = listed;
  const { record } = snapshot;
  if (!record) return;
  const known = rows.get(record.id);
  // A record that switched to another chat gets a new row, since its links change.
  if (known?.snapshot.chat.id === snapshot.chat.id) {
    Object.assign(known, { listed, snapshot, receivedAt: performance.now() });
    return;
  }
  const row = build(record, listed);
  if (known) known.element.replaceWith(row.element);
  else find("records").append(row.element);
  rows.set(record.id, row);
}

function build(record: ConversationRecord, listed: ListedRecord): Row {
  // Roles and labels as attributes: on a phone the rows are cards, and a table that is styled as cards loses its roles.
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
  const button = make("button", { type: "button", class: "danger" }, "Stop");
  button.setAttribute("aria-label", `Stop ${listed.user_name} with ${listed.advisor_name}`);
  button.addEventListener("click", () => perform(button, () => stop(record, listed)));
  const chat = make(
    "a",
    { href: root + path`/chat/${record.current_chat_id}` },
    short(record.current_chat_id),
  );
  const { user, advisor, ...figures } = cells;
  const chatCell = cell("Chat");
  chatCell.append(chat);
  const stopCell = cell("");
  stopCell.append(button);
  const element = make("tr", { role: "row" }, user, advisor, chatCell, ...Object.values(figures), stopCell);
  return { element, cells, listed, snapshot: listed.snapshot, receivedAt: performance.now() };
}

function paint(): void {
  for (const { cells, listed, snapshot, receivedAt } of rows.values()) {
    const { timer, record } = snapshot;
    showPerson(cells.user, listed, "user");
    showPerson(cells.advisor, listed, "advisor");
    const since = timer.since ?? record?.paused_at ?? null;
    setText(cells.since, since === null ? "–" : timeOfDay(since));
    const now = measure(snapshot, Date.parse(snapshot.server_time) + performance.now() - receivedAt);
    setText(
      cells.state,
      record?.state === "paused" && record.reason !== "paused"
        ? `paused: ${reason(record.reason)}`
        : `${record?.state ?? ""}${record?.paused_by ? ` by the ${record.paused_by}` : ""}`,
    );
    setText(cells.time, stopwatch(now.elapsedMs));
    setText(cells.cost, money(now.cost));
    setText(cells.credits, money(now.balance ?? "0"));
    setText(cells.cut, timer.cut_at === null ? "–" : timeOfDay(timer.cut_at));
    setText(cells.lease, timer.lease_until === null ? "–" : timeOfDay(timer.lease_until));
  }
}

/** Shows a party: the name, the id where it differs, and whether one of the party's screens is connected. */
function showPerson(
  cell: HTMLElement,
  { snapshot, ...listed }: ListedRecord,
  party: "user" | "advisor",
): void {
  const [name, id] =
    party === "user"
      ? [listed.user_name, snapshot.chat.user_id]
      : [listed.advisor_name, snapshot.chat.advisor_id];
  const page = party === "user" ? path`/operator/users/${id}` : path`/operator/advisors/${id}`;
  const away = listed.connected.includes(party) ? "" : ", not connected";
  const text = `${name === id ? name : `${name} (${short(id)})`}${away}`;
  if (cell.dataset.text === text) return;
  cell.dataset.text = text;
  cell.replaceChildren(
    make(
      "span",
      {},
      make("a", { class: "name", dir: "auto", href: root + page }, name),
      make("span", { class: "quiet" }, text.slice(name.length)),
    ),
  );
}

async function stop(record: ConversationRecord, listed: ListedRecord): Promise<void> {
  const agrees = await ask({
    title: "Stop this conversation?",
    text: `${listed.user_name} with ${listed.advisor_name}. It ends for both at once and can’t be continued.`,
    yes: "Stop it",
    no: "Keep it running",
    isDanger: true,
  });
  if (agrees) await request("POST", path`/chats/${record.current_chat_id}/stop`);
}

/** Ids that talktime makes are long and differ at their end. */
function short(id: string): string {
  return id.length > 14 ? `…${id.slice(-8)}` : id;
}

if (await openPage("operator")) {
  void refresh();
  setInterval(paint, PAINT_MS);
}
