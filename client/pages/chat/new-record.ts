/** A new record begins only at a price that the user has read. */

import type { Snapshot, StartOptions } from "../../src/index.ts";
import { isPaidSoon } from "../../src/talk/acts.ts";
import { agreesToBring, agreesToPay } from "../shell/agree.ts";
import { offerOf } from "../shell/service.ts";
import { shownVersion } from "./price-line.ts";

/**
 * Asks where the record costs something soon, or where the page has shown no price yet; null is a no. A question closes
 * when nobody wants a new record any more, because one has begun elsewhere, or has come here.
 */
export async function agreesToRecord(
  { chat }: Snapshot,
  isWanted?: () => boolean,
): Promise<StartOptions | null> {
  const shown = shownVersion();
  const ask = () => offerOf(chat.user_id, chat.advisor_id);
  let offer = await ask();
  if (!offer) {
    // The two have gone on in another chat since: their record comes here.
    if (!(await agreesToBring(isWanted))) return null;
    offer = await ask();
    if (!offer) return {};
    // Their record has ended while the user thought: a new record would begin.
  }
  const asks = shown === null || isPaidSoon(offer);
  if (asks && !(await agreesToPay(offer, isWanted))) return null;
  // The offer of the question, or of the page where nobody was asked: the service refuses a dearer start.
  return { offerVersion: asks ? offer.version : shown };
}
