/** A refusal with 409, for a person: the state that is in the way, and what the person can do. */

import type { Problem } from "../core/types.ts";
import { filled, type Words } from "../words.ts";
import type { Viewer } from "./acts.ts";

/** The calls that a refusal may offer to each viewer, because a button makes them. */
const CALLS: Record<Viewer, readonly string[]> = {
  user: ["tracking", "pause", "resume", "stop"],
  advisor: ["pause", "stop"],
  operator: ["stop"],
};

/** Null for a conflict that these words can't say. The service's own detail is for programmers, and in English. */
export function conflictText(problem: Problem, viewer: Viewer, words: Words): string | null {
  const { code, state, allowed } = problem;
  if (code === "advisor_busy") return words.advisorBusy;
  if (code === "not_running") return words.writeWhileRunning;
  if (problem.tariff_version) return words.priceChanged;
  if (state === "requested") return words[viewer === "advisor" ? "called" : "calling"];
  const calls = Array.isArray(allowed) ? (allowed as string[]) : [];
  const isEnded = state === "ended";
  // In an active record, only a chat that the record has left can be tracked.
  const hasMoved = !isEnded && calls.includes("tracking");
  const texts: Record<string, string> = {
    running: words.stateRunning,
    paused: `${words.paused}.`,
    ended: `${words.ended}.`,
  };
  const text = hasMoved ? words.elsewhere : texts[state as string];
  if (!text || problem.refundable) return null;
  const names: Record<string, string> = {
    ...words,
    tracking: isEnded ? words.startAgain : words.continueHere,
  };
  const buttons = calls.filter((call) => CALLS[viewer].includes(call)).map((call) => names[call]);
  return buttons[0] ? `${text} ${filled(words.possible, { buttons: buttons.join(", ") })}` : text;
}
