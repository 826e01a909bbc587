/**
 * The page of one chat, for its user, its advisor and operators.
 *
 * To load the page only reads and listens: a reload never starts, resumes or pauses a record. All digits are painted from
 * one frame of the client, so that they change together and never contradict each other.
 */

import { connect, type Frame, type Snapshot, type TalkTimeElement } from "../../src/index.ts";
import { find, setText } from "../shell/dom.ts";
import { openPage, openTopUp, perform, showProblem } from "../shell/frame.ts";
import { noticeSignOut, pairChats, root, signOut, token } from "../shell/service.ts";
import type { Session } from "../shell/session.ts";
import { topUpControl } from "../shell/topup.ts";
import { actsOf, explanationOf, forecast, phaseOf, type Viewer, warning } from "../texts/timer.ts";
import { money, price } from "../texts/words.ts";
import { showConversation } from "./conversation.ts";
import { offerNewChat, showPair } from "./pair.ts";

const PAID_SHOWN_MS = 12_000;

const session = openPage("user", "advisor", "operator");
if (session) open(session, find("content").dataset.chat ?? "");

function open({ role }: Session, chatId: string): void {
  const viewer: Viewer = role === "service" ? "operator" : role;
  const party = viewer === "operator" ? null : viewer;
  const talktime = connect({ url: root || location.origin, token });
  const chat = talktime.watch(chatId);
  const names = { user: "the user", advisor: "the advisor" };
  const other = () => names[viewer === "user" ? "advisor" : "user"];
  let lastFrame: Frame | null = null;
  let shownState = "";

  find<TalkTimeElement>("time").chat = chat;
  find("meter").dataset.viewer = viewer;
  if (viewer === "user") find("topup").append(...topUpControl(() => showProblem(null)));

  for (const name of ["start", "pause", "resume", "stop"] as const) {
    const button = find<HTMLButtonElement>(name);
    button.addEventListener("click", () => perform(button, () => noticeSignOut(chat[name]())));
  }

  chat.onFrame(paint);
  chat.subscribe((frame) => {
    render(frame);
    paint(frame);
    announcePaidTime(frame);
    lastFrame = frame;
    if (frame.snapshot) void showOthers(frame.snapshot);
  });
  talktime.onProblem((problem) => {
    if (problem.status === 401) signOut();
  });
  const conversation = showConversation(chat, party, (party) => names[party]);
  noticeSignOut(conversation.loaded).catch(showProblem);

  /** Paints what changes with time. */
  function paint(frame: Frame): void {
    const { snapshot } = frame;
    if (!snapshot) return;
    setText(find("cost"), money(frame.cost));
    const sync = find("sync");
    sync.hidden = frame.state !== "running" || !Number.isFinite(frame.errorMs);
    setText(sync, `in sync ±${Math.max(1, Math.round(frame.errorMs))} ms`);
    setText(find("forecast"), forecast(frame, viewer, other()));
    showPhase(frame);
    showWarning(frame);
    showWhy(frame);
    announcePaidTime(frame);
    lastFrame = frame;
  }

  /** Shows what changes with the facts. */
  function render({ snapshot }: Frame): void {
    if (!snapshot) return;
    if (snapshot.tariff) setText(find("price"), price(snapshot.tariff));
    setText(find("cost-name"), snapshot.record?.state === "ended" ? "Cost" : "Cost so far");
    const acts = actsOf(snapshot, viewer);
    find("start").hidden = acts.start === null;
    setText(find("start"), acts.start ?? "");
    find("pause").hidden = !acts.pause;
    find("resume").hidden = !acts.resume;
    find("stop").hidden = !acts.stop;
  }

  function showPhase(frame: Frame): void {
    const phase = phaseOf(frame);
    find("meter").dataset.phase = phase?.phase ?? "still";
    find("phase").hidden = phase === null;
    setText(find("phase"), phase?.text ?? "");
  }

  function showWarning(frame: Frame): void {
    const due = warning(frame);
    const bar = find("warning");
    bar.hidden = due === null;
    setText(bar, due?.text ?? "");
    if (due) bar.style.setProperty("--left", due.left.toFixed(3));
  }

  function showWhy(frame: Frame): void {
    const why = explanationOf(frame, viewer, other());
    const note = find("why");
    note.dataset.tone = why?.tone ?? "";
    setText(find("why-title"), why?.title ?? "");
    setText(find("why-text"), why?.text ?? "");
    const link = find<HTMLAnchorElement>("why-link");
    link.hidden = why?.link === undefined;
    if (why?.link) {
      link.href = root + why.link.page;
      setText(link, why.link.text);
    }
    if (why?.topUp && note.dataset.offered !== why.title) openTopUp();
    note.dataset.offered = why?.topUp ? why.title : "";
  }

  /** Says once, where nobody can miss it, that paid time has begun. A page that is opened later does not say it. */
  function announcePaidTime(frame: Frame): void {
    const earlier = lastFrame?.snapshot;
    const latest = frame.snapshot;
    if (!latest?.timer.running) find("paid").hidden = true;
    if (!lastFrame || !earlier || !latest?.timer.running || frame.freeMs > 0) return;
    const freeEnded = earlier.timer.running && lastFrame.freeMs > 0;
    const startedPaid = earlier.record?.id !== latest.record?.id;
    if (!freeEnded && !startedPaid) return;
    const line = find("paid");
    line.hidden = false;
    setText(
      line,
      latest.tariff
        ? `Paid time starts now. ${price({ ...latest.tariff, free_seconds: 0 })}`
        : "Paid time starts now.",
    );
    setTimeout(() => {
      line.hidden = true;
    }, PAID_SHOWN_MS);
  }

  /** Shows the other party's name and the pair's chats; requests them again when the record switches or changes state. */
  async function showOthers(snapshot: Snapshot): Promise<void> {
    const { record } = snapshot;
    const now = [record?.id, record?.state, record?.reason, record?.current_chat_id].join();
    if (now === shownState) return;
    shownState = now;
    try {
      const chats = await pairChats(viewer, snapshot.chat);
      const here = chats.find((row) => row.id === chatId);
      if (here) {
        Object.assign(names, { user: here.user_name, advisor: here.advisor_name });
        const whom = viewer === "operator" ? `${names.user} and ${names.advisor}` : other();
        setText(find("other"), whom);
        document.title = `${whom} · talktime`;
        conversation.updateNames();
      }
      showPair(viewer, chatId, chats);
      if (viewer === "user") offerNewChat(snapshot.chat);
      if (lastFrame) paint(lastFrame);
    } catch (error) {
      shownState = "";
      showProblem(error);
    }
  }
}
