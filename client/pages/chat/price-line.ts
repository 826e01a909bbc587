/** The line with the price: of the record or, where the user may start again, of a new record. */

import type { Snapshot } from "../../src/index.ts";
import type { Viewer } from "../../src/talk/acts.ts";
import { find, setText } from "../shell/dom.ts";
import { showProblem } from "../shell/frame.ts";
import { offerOf } from "../shell/service.ts";
import { say } from "../texts/language.ts";
import { tariffOf, tariffOfOffer } from "../texts/offer.ts";
import { price } from "../texts/words.ts";

/** The record after whose end the line shows the price of a new record; null while it shows another price. */
let endedRecord: string | null = null;

export async function showPrice(snapshot: Snapshot, viewer: Viewer): Promise<void> {
  const { record, tariff } = snapshot;
  if (viewer !== "user" || record?.state !== "ended") {
    endedRecord = null;
    if (tariff) setText(find("price"), price(tariffOf(snapshot)));
    return;
  }
  if (endedRecord === record.id) return;
  endedRecord = record.id;
  try {
    const offer = await offerOf(snapshot.chat.user_id, snapshot.chat.advisor_id);
    const text = offer && say("toStartAgain", { price: price(tariffOfOffer(offer)) });
    if (endedRecord === record.id) setText(find("price"), text ?? price(tariffOf(snapshot)));
  } catch (error) {
    endedRecord = null;
    showProblem(error);
  }
}
