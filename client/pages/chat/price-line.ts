/** The line with the price: of the record or, where the user may start again, of a new record. */

import type { Snapshot } from "../../src/index.ts";
import { RequestProblem } from "../../src/request.ts";
import { beginsRecord, type Viewer } from "../../src/talk/acts.ts";
import { find, setText } from "../shell/dom.ts";
import { clearProblem, showProblem } from "../shell/frame.ts";
import { offerOf } from "../shell/service.ts";
import { say } from "../texts/language.ts";
import { tariffOf, tariffOfOffer } from "../texts/offer.ts";
import { price } from "../texts/words.ts";

let latest: Snapshot | null = null;
/** The facts whose price was shown last: other facts have another price. */
let shownFacts = "";
let version: string | null = null;
/** The failure of the last request for an offer. */
let problem: unknown = null;

/** The version of the offer whose price is in the line; null where the line shows the price of a record, or none yet. */
export function shownVersion(): string | null {
  return version;
}

export async function showPrice(snapshot: Snapshot, viewer: Viewer): Promise<void> {
  const { record, tariff_version, allowance_ms, grace_used_at, sequence } = snapshot;
  latest = snapshot;
  const isOffer = viewer === "user" && beginsRecord(snapshot);
  // What another chat of the pair uses up changes the offer, and is a change of the account.
  const facts = [record?.id, isOffer && sequence, tariff_version, allowance_ms, grace_used_at].join();
  if (facts === shownFacts) return;
  shownFacts = facts;
  if (isOffer) await showOffer(snapshot);
  else show(price(tariffOf(snapshot)), null);
}

/** Waits for a start. If the start is refused because the price has changed, the line shows the new price. */
export async function showNewPrice<T>(start: Promise<T>): Promise<T> {
  return start.catch(async (error: unknown) => {
    const hasChanged = error instanceof RequestProblem && error.problem.tariff_version !== undefined;
    if (hasChanged && latest) await showOffer(latest);
    throw error;
  });
}

/** Shows the price of a new record. */
async function showOffer(snapshot: Snapshot): Promise<void> {
  const facts = shownFacts;
  try {
    const offer = await offerOf(snapshot.chat.user_id, snapshot.chat.advisor_id);
    if (facts !== shownFacts) return;
    const text = price(offer ? tariffOfOffer(offer) : tariffOf(snapshot));
    const startsAgain = offer !== null && snapshot.record !== null;
    clearProblem(problem);
    show(startsAgain ? say("toStartAgain", { price: text }) : text, offer?.version ?? null);
  } catch (error) {
    shownFacts = "";
    problem = error;
    showProblem(error);
  }
}

function show(text: string, shown: string | null): void {
  setText(find("price"), text);
  version = shown;
}
