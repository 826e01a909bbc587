/**
 * The page of one chat, for its user, its advisor and operators.
 *
 * To load the page only reads and listens: a reload never starts, resumes or pauses a record. All digits are painted from
 * one frame of the client, so that they change together and never contradict each other.
 */

import type { Party } from "../../src/core/types.ts";
import {
  connect,
  type Frame,
  type Snapshot,
  type StartOptions,
  type TalkTimeElement,
} from "../../src/index.ts";
import { RequestProblem } from "../../src/request.ts";
import { actsOf, beginsRecord, hasMoved, type Viewer } from "../../src/talk/acts.ts";
import { showConversation } from "../../src/talk/conversation.ts";
import { agreesToStop } from "../../src/talk/stop.ts";
import { pauseSurely, stopSurely } from "../../src/talk/surely.ts";
import { filled } from "../../src/words.ts";
import { agreesToGoOn } from "../shell/agree.ts";
import { find, setText } from "../shell/dom.ts";
import {
  clearOldProblem,
  clearProblem,
  openPage,
  perform,
  showPanel,
  showProblem,
  tell,
} from "../shell/frame.ts";
import { type Call, offerAlerts, ring } from "../shell/ring.ts";
import {
  chatsOf,
  goTo,
  noticeSignOut,
  ofPair,
  path,
  problemText,
  root,
  signOut,
  token,
} from "../shell/service.ts";
import type { Session } from "../shell/session.ts";
import { topUpControl } from "../shell/topup.ts";
import { say, talkWords } from "../texts/language.ts";
import { moment, money, nameInSentence, shortName } from "../texts/words.ts";
import { keepDraft } from "./draft.ts";
import { showElsewhere } from "./elsewhere.ts";
import { foldMeter } from "./fold.ts";
import { paintMeter } from "./meter.ts";
import { agreesToRecord } from "./new-record.ts";
import { announcePaidTime } from "./paid-time.ts";
import { offerNewChat, showPair, showRecords } from "./pair.ts";
import { showNewPrice, showPrice } from "./price-line.ts";
import { countUnread } from "./unread.ts";

const ACTS = ["start", "accept", "decline", "pause", "resume", "stop"] as const;
/** How often the page looks for other conversations of the person: an advisor may be called in one of them. */
const OTHERS_REFRESH_MS = { advisor: 10_000, user: 30_000, operator: 30_000 };

const session = await openPage("user", "advisor", "operator");
if (session) open(session, find("content").dataset.chat ?? "");

function open({ role, subject }: Session, chatId: string): void {
  const viewer: Viewer = role === "service" ? "operator" : role;
  const party = viewer === "operator" ? null : viewer;
  const talktime = connect({ url: root || location.origin, token });
  const chat = talktime.watch(chatId, { presence: party !== null });
  const names = { user: say("theUser"), advisor: say("theAdvisor") };
  // The whole name is the heading of the page.
  const other = () => nameInSentence(shortName(names[viewer === "user" ? "advisor" : "user"]));
  const unread = countUnread(chat, party);
  let lastFrame: Frame | null = null;
  let lastState = "";
  let shownState = "";
  let callElsewhere: Call | null = null;
  let isNamed = false;
  let othersProblem: unknown = null;

  const time = find<TalkTimeElement>("time");
  time.chat = chat;
  find("meter").dataset.viewer = viewer;
  foldMeter();
  // An advisor does not see the user's credits.
  if (viewer === "advisor") find("time").setAttribute("show", "elapsed free");
  if (viewer === "user") find("topup").append(...topUpControl(subject, () => showProblem(null)));

  if (viewer === "advisor") offerAlerts();

  const acts = {
    start,
    stop,
    accept: () => chat.accept(),
    decline: () => chat.decline(),
    pause: () => pauseSurely(chat, tellWhetherLate("pause")),
    resume: () => chat.resume(),
  };
  for (const name of ACTS) {
    const button = find<HTMLButtonElement>(name);
    setText(button, talkWords()[name]);
    button.addEventListener("click", async () => {
      await perform(button, () => noticeSignOut(acts[name]()));
      // A question gives the focus back to this button, which may have gone while the question was open.
      if (document.activeElement === document.body) keepFocus(button);
    });
  }

  chat.onFrame(paint);
  chat.subscribe((frame) => {
    const focused = document.activeElement;
    render(frame);
    paint(frame);
    keepFocus(focused);
    clearOnNews(frame);
    if (frame.snapshot) void showOthers(frame.snapshot);
  });
  talktime.onProblem((problem) => {
    if (problem.status === 401) signOut();
  });
  for (const event of ["online", "offline"]) addEventListener(event, () => lastFrame && paint(chat.frame()));
  const parts = {
    log: find("log"),
    list: find("messages"),
    typing: find("typing"),
    composer: find<HTMLFormElement>("composer"),
    field: find<HTMLTextAreaElement>("text"),
    why: find("no-writing"),
  };
  const said = { words: talkWords, moment: (at: string) => moment(at), problem: problemText };
  const reader = {
    party,
    nameOf: (party: Party) => shortName(names[party]),
    writesWhenStopped: () => "writesWhenStopped" in document.documentElement.dataset,
  };
  if (party !== null) keepDraft(parts.field, `${party} ${subject} ${chatId}`);
  const conversation = showConversation(chat, reader, parts, said);
  noticeSignOut(conversation.loaded).then(unread.show, (error: unknown) => {
    if (error instanceof RequestProblem && error.problem.status === 404) showMissing();
    else showProblem(error);
  });
  // While a call rings, the page says for how long it still rings.
  setInterval(() => chat.snapshot?.record?.state === "requested" && paint(chat.frame()), 1000);
  // Another conversation of the same person may begin or end meanwhile.
  setInterval(() => {
    if (document.hidden || !chat.snapshot) return;
    void showOthers(chat.snapshot, true);
  }, OTHERS_REFRESH_MS[viewer]);

  /** Says that there is no such chat for this viewer, instead of a chat in which nothing works. */
  function showMissing(): void {
    talktime.close();
    showPanel(say("chatMissingTitle"), say("chatMissingText"));
  }

  async function start(): Promise<unknown> {
    const { snapshot } = chat;
    if (!snapshot || !beginsRecord(snapshot)) return chat.start({ recordId: snapshot?.record?.id });
    const agreed = await agreesToRecord(snapshot, isNewWanted);
    return agreed && showNewPrice(chat.start(agreed));
  }

  function isNewWanted(): boolean {
    return chat.snapshot === null || beginsRecord(chat.snapshot);
  }

  async function stop(): Promise<unknown> {
    const recordId = chat.snapshot?.record?.id;
    if (!(await agreesToStop(chat, talkWords(), money))) return null;
    return stopSurely(chat, recordId, tellWhetherLate("stop"));
  }

  function tellWhetherLate(act: "pause" | "stop"): (isLate: boolean) => void {
    return (isLate) => tell(isLate ? filled(talkWords().doneLater, { act: talkWords()[act] }) : null);
  }

  /** A refusal or a lost connection is over once the record or the connection is in another state. */
  function clearOnNews({ state, snapshot }: Frame): void {
    const now = [state, snapshot?.record?.id, snapshot?.record?.state, snapshot?.record?.reason].join();
    if (now !== lastState) clearOldProblem();
    lastState = now;
  }

  /** Paints what changes with time. */
  function paint(frame: Frame): void {
    if (!frame.snapshot) return;
    paintMeter(frame, viewer, other());
    announcePaidTime(frame, lastFrame);
    lastFrame = frame;
  }

  /** Shows what changes with the facts. */
  function render({ snapshot }: Frame): void {
    if (!snapshot) return;
    // Where nothing was free, "Free left 0:00" would only make people wonder.
    // The record's numbers go on in another chat, where nobody counts for this page: only the chat's own time stays right.
    const moved = hasMoved(snapshot);
    time.setAttribute("of", moved ? "chat" : "record");
    find("figures").classList.toggle("moved", moved);
    const parts = [
      "elapsed",
      // After the end, another chat of the pair may have used what was left: the price line tells what is free.
      !moved && snapshot.allowance_ms > 0 && snapshot.record?.state !== "ended" && "free",
      !moved && snapshot.balance !== null && "credits",
    ];
    time.setAttribute("show", parts.filter(Boolean).join(" "));
    void showPrice(snapshot, viewer);
    setText(find("cost-name"), snapshot.record?.state === "ended" ? say("cost") : say("costSoFar"));
    const acts = actsOf(snapshot, viewer);
    setText(find("start"), acts.start === null ? "" : talkWords()[acts.start]);
    for (const act of ACTS) find(act).hidden = !acts[act];
    setText(find("stop"), snapshot.record?.state === "requested" ? say("cancel") : talkWords().stop);
    showCall(snapshot);
  }

  /**
   * Rings at the advisor's while a call waits for the answer: in this chat, or in another one. Tells an advisor whose user
   * has gone on in another chat, because that time is billed while the advisor's lease holds.
   */
  function showCall(snapshot: Snapshot): void {
    if (viewer !== "advisor" || !isNamed) return;
    const { record } = snapshot;
    const isHere = record?.state === "requested" && record.current_chat_id === chatId;
    if (isHere) ring({ chatId, name: names.user, open: () => undefined });
    else ring(callElsewhere ?? movedCall(snapshot));
  }

  function movedCall(snapshot: Snapshot): Call | null {
    const { record } = snapshot;
    if (record === null || !hasMoved(snapshot)) return null;
    const open = () => goTo(path`/chat/${record.current_chat_id}`);
    return { chatId: record.current_chat_id, name: names.user, open, quiet: "moved" };
  }

  /** Moves the focus from a button that has gone to what takes its place. */
  function keepFocus(focused: Element | null): void {
    if (!(focused instanceof HTMLButtonElement) || !focused.hidden) return;
    if (!ACTS.some((name) => name === focused.id)) return;
    const next = ["why-link", "accept", "resume", "pause", "start", "stop", "fold"]
      .map((id) => find(id))
      // Of a folded meter the buttons may be out of sight.
      .find((element) => element.checkVisibility());
    next?.focus();
  }

  /** Shows names, the pair's chats and other conversations; requests them again when the account changes. */
  async function showOthers(snapshot: Snapshot, isRepeat = false): Promise<void> {
    const { record, sequence } = snapshot;
    const now = [sequence, record?.id, record?.state, record?.reason, record?.current_chat_id].join();
    const isNew = now !== shownState;
    if (!isNew && !isRepeat) return;
    shownState = now;
    try {
      const all = await chatsOf(viewer, snapshot.chat);
      const chats = ofPair(all, snapshot.chat);
      const here = chats.find((row) => row.id === chatId);
      if (here) {
        Object.assign(names, { user: here.user_name, advisor: here.advisor_name });
        const whom =
          viewer === "operator"
            ? say("bothNames", { one: nameInSentence(names.user), other: nameInSentence(names.advisor) })
            : names[viewer === "user" ? "advisor" : "user"];
        setText(find("other"), whom);
        unread.setTitle(`${whom} · talktime`);
        isNamed = true;
        conversation.refresh();
      }
      showPair(viewer, chatId, chats, () => agreesToMove(chat.snapshot ?? snapshot));
      callElsewhere = showElsewhere(viewer, snapshot.chat, all);
      showCall(chat.snapshot ?? snapshot);
      if (viewer === "user") offerNewChat(snapshot.chat, () => agreesToNewChat(snapshot));
      if (lastFrame) paint(lastFrame);
      if (isNew) await showRecords(chatId);
      clearProblem(othersProblem);
      othersProblem = null;
    } catch (error) {
      shownState = "";
      othersProblem = error;
      showProblem(error);
    }
  }

  /** A new chat takes the record with it, or begins a new record. */
  async function agreesToNewChat(snapshot: Snapshot): Promise<StartOptions | null> {
    const latest = chat.snapshot ?? snapshot;
    if (beginsRecord(latest)) return agreesToRecord(latest, isNewWanted);
    if (!(await agreesToMove(latest))) return null;
    return { recordId: latest.record?.id };
  }

  function agreesToMove(latest: Snapshot): Promise<boolean> {
    return agreesToGoOn(other(), latest, () => chat.snapshot?.record?.state);
  }
}
