/** What stands around the digits of the time: cost, credit, who is here, what happens next, and why the time stands. */

import type { Frame } from "../../src/index.ts";
import type { Viewer } from "../../src/talk/acts.ts";
import { isHere } from "../../src/talk/presence.ts";
import { filled } from "../../src/words.ts";
import { find, setText } from "../shell/dom.ts";
import { openTopUp } from "../shell/frame.ts";
import { root } from "../shell/service.ts";
import { say, talkWords } from "../texts/language.ts";
import { earnedText, explanationOf, forecast, heldText, leftText, phaseOf, warning } from "../texts/timer.ts";
import { money } from "../texts/words.ts";

/** Paints what changes with time. `other` is the name of the other party, as in a sentence. */
export function paintMeter(frame: Frame, viewer: Viewer, other: string): void {
  setText(find("cost"), money(frame.cost));
  setText(find("left"), leftText(frame));
  setText(find("held"), heldText(frame, viewer));
  setText(find("earned"), earnedText(frame, viewer));
  const sync = find("sync");
  sync.hidden = frame.state !== "running" || !Number.isFinite(frame.errorMs);
  setText(sync, say("inSync", { ms: String(Math.max(1, Math.round(frame.errorMs))) }));
  setText(find("forecast"), forecast(frame, viewer, other));
  showHere(frame, viewer, other);
  showPhase(frame, viewer);
  showWarning(frame);
  showWhy(frame, viewer, other);
}

function showHere(frame: Frame, viewer: Viewer, other: string): void {
  const here = viewer === "operator" ? null : isHere(frame, viewer === "user" ? "advisor" : "user");
  find("here").hidden = here === null;
  find("here").dataset.here = String(here);
  if (here !== null)
    setText(find("here"), filled(here ? talkWords().here : talkWords().notHere, { name: other }));
}

function showPhase(frame: Frame, viewer: Viewer): void {
  const phase = phaseOf(frame, viewer);
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

function showWhy(frame: Frame, viewer: Viewer, other: string): void {
  const why = explanationOf(frame, viewer, other);
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
