/** Why a record has ended, and why time of the record was not charged, in words. */

import type { ConversationRecord, Gap, Receipt } from "../../src/core/types.ts";
import { neverCame } from "../../src/talk/presence.ts";
import { say } from "../texts/language.ts";
import { reasonWithCause } from "../texts/words.ts";

export function endReason(receipt: Receipt): string {
  const { state, reason, ended_by } = receipt.record;
  if (state !== "ended") return say("notYet");
  return neverCame(receipt) ? say("reasonDidNotCome") : reasonWithCause(reason, ended_by ?? null);
}

/** The document says of a call that rang, too, that the advisor was away. */
export function gapReason(gap: Gap, { starts, started_at }: ConversationRecord): string {
  const rang = starts === "accepted" && gap.started_at === started_at && gap.reason === "advisor_away";
  return rang ? say("requested") : reasonWithCause(gap.reason, gap.caused_by);
}
