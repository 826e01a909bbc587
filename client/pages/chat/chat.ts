/**
 * One chat, from either side.
 *
 * Loading reads and listens, nothing more: a refresh never starts, resumes or pauses anything. All digits are painted from one
 * frame of the client, so that they change together and never contradict each other.
 */

import { connect, type Frame, type Snapshot, type TalkTimeElement } from "../../src/index.ts";
import { find, say } from "../shell/dom.ts";
import { act, enter, offerTopUp, showProblem } from "../shell/frame.ts";
import { offerNewChat, pairChats, showPair } from "../shell/pair.ts";
import { root, signedIn, signOut, token } from "../shell/service.ts";
import type { Session } from "../shell/session.ts";
import { topUpControl } from "../shell/topup.ts";
import { actsOf, explain, forecast, phaseOf, type Viewer, warning } from "../texts/explain.ts";
import { money, price } from "../texts/words.ts";
import { converse } from "./conversation.ts";

const PAID_SHOWN_MS = 12_000;

const session = enter("user", "advisor", "operator");
if (session) open(session, find("content").dataset.chat ?? "");

function open({ role }: Session, chatId: string): void {
  const viewer: Viewer = role === "service" ? "operator" : role;
  const side = viewer === "operator" ? null : viewer;
  const talktime = connect({ url: root || location.origin, token });
  const chat = talktime.watch(chatId);
  const names = { user: "the user", advisor: "the advisor" };
  const other = () => names[viewer === "user" ? "advisor" : "user"];
  let before: Frame | null = null;
  let pair = "";

  find<TalkTimeElement>("time").chat = chat;
  find("meter").dataset.viewer = viewer;
  if (viewer === "user") find("topup").append(...topUpControl(() => showProblem(null)));

  for (const name of ["start", "pause", "resume", "stop"] as const) {
    const button = find<HTMLButtonElement>(name);
    button.addEventListener("click", () => act(button, () => signedIn(chat[name]())));
  }

  chat.onFrame(paint);
  chat.subscribe((frame) => {
    render(frame);
    paint(frame);
    announcePaidTime(frame);
    before = frame;
    if (frame.snapshot) void showOthers(frame.snapshot);
  });
  talktime.onProblem((problem) => {
    if (problem.status === 401) signOut();
  });
  const conversation = converse(chat, side, (party) => names[party]);
  signedIn(conversation.loaded).catch(showProblem);

  /** What changes with the second. */
  function paint(frame: Frame): void {
    const { snapshot } = frame;
    if (!snapshot) return;
    say(find("cost"), money(frame.cost));
    const sync = find("sync");
    sync.hidden = frame.state !== "running" || !Number.isFinite(frame.errorMs);
    say(sync, `in sync ±${Math.max(1, Math.round(frame.errorMs))} ms`);
    say(find("forecast"), forecast(frame, viewer, other()));
    showPhase(frame);
    showWarning(frame);
    showWhy(frame);
    announcePaidTime(frame);
    before = frame;
  }

  /** What changes when something happens. */
  function render({ snapshot }: Frame): void {
    if (!snapshot) return;
    if (snapshot.tariff) say(find("price"), price(snapshot.tariff));
    say(find("cost-name"), snapshot.record?.state === "ended" ? "Cost" : "Cost so far");
    const acts = actsOf(snapshot, viewer);
    find("start").hidden = acts.start === null;
    say(find("start"), acts.start ?? "");
    find("pause").hidden = !acts.pause;
    find("resume").hidden = !acts.resume;
    find("stop").hidden = !acts.stop;
  }

  function showPhase(frame: Frame): void {
    const phase = phaseOf(frame);
    find("meter").dataset.phase = phase?.phase ?? "still";
    find("phase").hidden = phase === null;
    say(find("phase"), phase?.text ?? "");
  }

  function showWarning(frame: Frame): void {
    const due = warning(frame);
    const bar = find("warning");
    bar.hidden = due === null;
    say(bar, due?.text ?? "");
    if (due) bar.style.setProperty("--left", due.left.toFixed(3));
  }

  function showWhy(frame: Frame): void {
    const why = explain(frame, viewer, other());
    const note = find("why");
    note.dataset.tone = why?.tone ?? "";
    say(find("why-title"), why?.title ?? "");
    say(find("why-text"), why?.text ?? "");
    const link = find<HTMLAnchorElement>("why-link");
    link.hidden = why?.link === undefined;
    if (why?.link) {
      link.href = root + why.link.page;
      say(link, why.link.text);
    }
    if (why?.topUp && note.dataset.offered !== why.title) offerTopUp();
    note.dataset.offered = why?.topUp ? why.title : "";
  }

  /** The moment time begins to cost is told once, where it can't be missed; a page opened later tells it not. */
  function announcePaidTime(frame: Frame): void {
    const was = before?.snapshot;
    const is = frame.snapshot;
    if (!is?.timer.running) find("paid").hidden = true;
    if (!before || !was || !is?.timer.running || frame.freeMs > 0) return;
    const freeEnded = was.timer.running && before.freeMs > 0;
    const startedPaid = was.record?.id !== is.record?.id;
    if (!freeEnded && !startedPaid) return;
    const line = find("paid");
    line.hidden = false;
    say(
      line,
      is.tariff
        ? `Paid time starts now. ${price({ ...is.tariff, free_seconds: 0 })}`
        : "Paid time starts now.",
    );
    setTimeout(() => {
      line.hidden = true;
    }, PAID_SHOWN_MS);
  }

  /** Whom one talks to, and the pair's chats: asked for again when the record moves or changes state. */
  async function showOthers(snapshot: Snapshot): Promise<void> {
    const { record } = snapshot;
    const now = [record?.id, record?.state, record?.reason, record?.current_chat_id].join();
    if (now === pair) return;
    pair = now;
    try {
      const chats = await pairChats(viewer, snapshot.chat);
      const here = chats.find((row) => row.id === chatId);
      if (here) {
        Object.assign(names, { user: here.user_name, advisor: here.advisor_name });
        const whom = viewer === "operator" ? `${names.user} and ${names.advisor}` : other();
        say(find("other"), whom);
        document.title = `${whom} · talktime`;
        conversation.rename();
      }
      showPair(viewer, chatId, chats);
      if (viewer === "user") offerNewChat(snapshot.chat);
      if (before) paint(before);
    } catch (error) {
      pair = "";
      showProblem(error);
    }
  }
}
