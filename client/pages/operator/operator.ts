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
import { say } from "../texts/language.ts";
import { cause, money, reason, timeOfDay } from "../texts/words.ts";

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
  const counts = [
    say("countRunning", { count: String(inState("running")) }),
    say("countPaused", { count: String(inState("paused")) }),
    ...(ringing > 0 ? [say("countRinging", { count: String(ringing) })] : []),
  ];
  setText(find("summary"), counts.join(", "));
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
    user: make("th", { scope: "row", role: "rowheader", "data-label": say("user") }),
    advisor: cell(say("advisor")),
    state: cell(say("state")),
    since: cell(say("since")),
    time: cell(say("time"), "number"),
    cost: cell(say("cost"), "number"),
    credits: cell(say("credits"), "number"),
    cut: cell(say("enoughUntil")),
    lease: cell(say("presentUntil")),
  };
  const button = make("button", { type: "button", class: "danger" }, say("stop"));
  button.setAttribute("aria-label", say("stopPair", namesOf(listed)));
  button.addEventListener("click", () => perform(button, () => stop(record, listed)));
  const chat = make(
    "a",
    { href: root + path`/chat/${record.current_chat_id}` },
    short(record.current_chat_id),
  );
  const { user, advisor, ...figures } = cells;
  const chatCell = cell(say("chat"));
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
    setText(cells.state, record ? stateText(record) : "");
    setText(cells.time, stopwatch(now.elapsedMs));
    setText(cells.cost, money(now.cost));
    setText(cells.credits, money(now.balance ?? "0"));
    setText(cells.cut, timer.cut_at === null ? "–" : timeOfDay(timer.cut_at));
    setText(cells.lease, timer.lease_until === null ? "–" : timeOfDay(timer.lease_until));
  }
}

/** The state of a record in words, with the cause of its pause: "paused: user away", "paused by the user". */
function stateText({ state, reason: why, paused_by }: ConversationRecord): string {
  if (state === "paused" && why !== "paused") return `${say(state)}: ${reason(why)}`;
  return paused_by ? `${say(state)} ${cause(paused_by)}` : say(state);
}

function namesOf({ user_name, advisor_name }: ListedRecord): { user: string; advisor: string } {
  return { user: user_name, advisor: advisor_name };
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
  const person = name === id ? name : `${name} (${short(id)})`;
  const text = listed.connected.includes(party) ? person : say("notConnected", { person });
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
  const text = say("askStopText", namesOf(listed));
  const agrees = await ask({
    title: say("askStop"),
    text: () => (rows.has(record.id) ? text : null), // the two may end the record themselves
    yes: say("stopIt"),
    no: say("keepRunning"),
    isDanger: true,
  });
  // Where the two have begun another record meanwhile, that record goes on.
  const chosen = { record_id: record.id };
  if (agrees) await request("POST", path`/chats/${record.current_chat_id}/stop`, chosen);
}

/** Ids that talktime makes are long and differ at their end. */
function short(id: string): string {
  return id.length > 14 ? `…${id.slice(-8)}` : id;
}

if (await openPage("operator")) {
  void refresh();
  setInterval(paint, PAINT_MS);
}
