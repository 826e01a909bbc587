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
import { ask } from "../../src/talk/ask.ts";
import { showConversation } from "../../src/talk/conversation.ts";
import { isHere } from "../../src/talk/presence.ts";
import { filled } from "../../src/words.ts";
import { agreesToPay } from "../shell/agree.ts";
import { find, setText } from "../shell/dom.ts";
import { openPage, openTopUp, perform, showPanel, showProblem } from "../shell/frame.ts";
import { type Call, offerAlerts, ring } from "../shell/ring.ts";
import {
  type Advisor,
  chatsOf,
  noticeSignOut,
  ofPair,
  path,
  problemText,
  request,
  root,
  signOut,
  token,
} from "../shell/service.ts";
import type { Session } from "../shell/session.ts";
import { topUpControl } from "../shell/topup.ts";
import { say, talkWords } from "../texts/language.ts";
import { earnedText, explanationOf, forecast, leftText, phaseOf, warning } from "../texts/timer.ts";
import { moment, money, nameInSentence, price } from "../texts/words.ts";
import { showElsewhere } from "./elsewhere.ts";
import { foldOnLowScreens } from "./fold.ts";
import { offerNewChat, showPair, showRecords } from "./pair.ts";
import { countUnread } from "./unread.ts";

const ACTS = ["start", "accept", "decline", "pause", "resume", "stop"] as const;
const PAID_SHOWN_MS = 12_000;
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
  const other = () => nameInSentence(names[viewer === "user" ? "advisor" : "user"]);
  const unread = countUnread(chat, party);
  let lastFrame: Frame | null = null;
  let shownState = "";
  let pricedRecord: string | null = null;
  let callElsewhere: Call | null = null;
  let isNamed = false;

  const time = find<TalkTimeElement>("time");
  time.chat = chat;
  find("meter").dataset.viewer = viewer;
  foldOnLowScreens();
  // An advisor does not see the user's credits.
  if (viewer === "advisor") find("time").setAttribute("show", "elapsed free");
  if (viewer === "user") find("topup").append(...topUpControl(subject, () => showProblem(null)));

  if (viewer === "advisor") offerAlerts();

  const acts = {
    start,
    stop,
    accept: () => chat.accept(),
    decline: () => chat.decline(),
    pause: () => chat.pause(),
    resume: () => chat.resume(),
  };
  for (const name of ACTS) {
    const button = find<HTMLButtonElement>(name);
    setText(button, talkWords()[name]);
    button.addEventListener("click", () => perform(button, () => noticeSignOut(acts[name]())));
  }

  chat.onFrame(paint);
  chat.subscribe((frame) => {
    const focused = document.activeElement;
    render(frame);
    paint(frame);
    keepFocus(focused);
    announcePaidTime(frame);
    lastFrame = frame;
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
    nameOf: (party: Party) => names[party],
    writesWhenStopped: () => "writesWhenStopped" in document.documentElement.dataset,
  };
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
    const agreed = await agreesToRecord(snapshot);
    return agreed && chat.start(agreed);
  }

  /** Asks where a new record costs something from its first moment. Where the tariff changes meanwhile, nothing starts. */
  async function agreesToRecord(snapshot: Snapshot): Promise<StartOptions | null> {
    const advisor = await advisorNow(snapshot);
    if (!(await agreesToPay(advisor, snapshot.free_remaining_ms, chat.frame().balance ?? "0"))) return null;
    return { tariffVersion: advisor.tariff_version };
  }

  async function stop(): Promise<unknown> {
    // A call that nobody has accepted has cost nothing.
    if (chat.snapshot?.record?.state === "requested") return chat.stop();
    const isSure = await ask({
      title: talkWords().askStop,
      text: () => filled(talkWords().askStopText, { amount: money(chat.frame().cost) }),
      yes: talkWords().endConversation,
      no: talkWords().keepTalking,
      isDanger: true,
    });
    return isSure ? chat.stop() : null;
  }

  /** The advisor with the tariff that a record which begins now would have. */
  function advisorNow({ chat }: Snapshot): Promise<Advisor> {
    return request<Advisor>("GET", path`/advisors/${chat.advisor_id}`);
  }

  /** Paints what changes with time. */
  function paint(frame: Frame): void {
    const { snapshot } = frame;
    if (!snapshot) return;
    setText(find("cost"), money(frame.cost));
    setText(find("left"), leftText(frame));
    setText(find("earned"), earnedText(frame, viewer));
    const sync = find("sync");
    sync.hidden = frame.state !== "running" || !Number.isFinite(frame.errorMs);
    setText(sync, say("inSync", { ms: String(Math.max(1, Math.round(frame.errorMs))) }));
    setText(find("forecast"), forecast(frame, viewer, other()));
    showHere(frame);
    showPhase(frame);
    showWarning(frame);
    showWhy(frame);
    announcePaidTime(frame);
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
      !moved && snapshot.allowance_ms > 0 && "free",
      !moved && snapshot.balance !== null && "credits",
    ];
    time.setAttribute("show", parts.filter(Boolean).join(" "));
    void showPrice(snapshot);
    setText(find("cost-name"), snapshot.record?.state === "ended" ? say("cost") : say("costSoFar"));
    const acts = actsOf(snapshot, viewer);
    setText(find("start"), acts.start === null ? "" : talkWords()[acts.start]);
    for (const act of ACTS) find(act).hidden = !acts[act];
    setText(find("stop"), snapshot.record?.state === "requested" ? say("cancel") : talkWords().stop);
    showCall(snapshot);
  }

  /** Rings at the advisor's while a call waits for the answer: in this chat, or in another one. */
  function showCall({ record }: Snapshot): void {
    if (viewer !== "advisor" || !isNamed) return;
    const isHere = record?.state === "requested" && record.current_chat_id === chatId;
    ring(isHere ? { chatId, name: names.user, open: () => undefined } : callElsewhere);
  }

  /** Shows the price: of the record or, where the user may start again, of a new record. */
  async function showPrice(snapshot: Snapshot): Promise<void> {
    const { record, tariff } = snapshot;
    if (viewer !== "user" || record?.state !== "ended") {
      pricedRecord = null;
      if (tariff) setText(find("price"), price(tariff));
      return;
    }
    if (pricedRecord === record.id) return;
    pricedRecord = record.id;
    try {
      const now = (await advisorNow(snapshot)).tariff;
      const free = Math.floor(snapshot.free_remaining_ms / 1000);
      if (pricedRecord === record.id)
        setText(find("price"), say("toStartAgain", { price: price({ ...now, free_seconds: free }) }));
    } catch (error) {
      pricedRecord = null;
      showProblem(error);
    }
  }

  /** Moves the focus from a button that has gone to what takes its place. */
  function keepFocus(focused: Element | null): void {
    if (!(focused instanceof HTMLButtonElement) || !focused.hidden) return;
    if (!ACTS.some((name) => name === focused.id)) return;
    const [next] = ["why-link", "accept", "resume", "pause", "start"]
      .map((id) => find(id))
      .filter(({ hidden }) => !hidden);
    next?.focus();
  }

  function showHere(frame: Frame): void {
    const here = party === null ? null : isHere(frame, party === "user" ? "advisor" : "user");
    find("here").hidden = here === null;
    find("here").dataset.here = String(here);
    if (here !== null)
      setText(find("here"), filled(here ? talkWords().here : talkWords().notHere, { name: other() }));
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
    const offers = why?.topUp === true;
    if (offers !== (note.dataset.offered === "true")) openTopUp(offers);
    note.dataset.offered = String(offers);
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
        ? `${say("paidTimeStarts")} ${price({ ...latest.tariff, free_seconds: 0 })}`
        : say("paidTimeStarts"),
    );
    setTimeout(() => {
      line.hidden = true;
    }, PAID_SHOWN_MS);
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
      showPair(viewer, chatId, chats);
      callElsewhere = showElsewhere(viewer, snapshot.chat, all);
      showCall(chat.snapshot ?? snapshot);
      if (viewer === "user") offerNewChat(snapshot.chat, () => agreesToNewChat(snapshot));
      if (lastFrame) paint(lastFrame);
      if (isNew) await showRecords(chatId);
    } catch (error) {
      shownState = "";
      showProblem(error);
    }
  }

  /** A new chat takes the record with it, or begins a new record. */
  async function agreesToNewChat(snapshot: Snapshot): Promise<StartOptions | null> {
    const latest = chat.snapshot ?? snapshot;
    return beginsRecord(latest) ? agreesToRecord(latest) : { recordId: latest.record?.id };
  }
}
