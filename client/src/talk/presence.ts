/** Whether the other party is there. */

import type { Frame, Party, Reason, Snapshot } from "../core/types.ts";
import type { Viewer } from "./acts.ts";

/** Whether the party is present in the chat; null where that is not known, or where a page need not say it. */
export function isHere({ snapshot, state, isStanding }: Frame, party: Party): boolean | null {
  if (!snapshot || state === "reconnecting" || isStanding) return null;
  const { presence, record } = snapshot;
  // Time runs while both leases hold. A party may not have come to this chat yet, but still be in the previous chat.
  if (snapshot.timer.running) return presence?.[party] ?? true;
  // A node of an earlier version does not say it.
  if (!presence) return null;
  // A lease that no live channel proves may be one that was given, or that of a page which has closed.
  if (presence[party]) return presence.until === null ? true : null;
  // Where a record waits for the party, the page says so already.
  return record?.reason === "paused" || record?.reason === "out_of_credit" ? false : null;
}

/** Whether an ended record waited for its advisor until it was given up. */
export function neverCame({ record, elapsed_ms }: Pick<Snapshot, "record" | "elapsed_ms">): boolean {
  return record?.reason === "abandoned" && record.starts === "present" && elapsed_ms === 0;
}

interface Waiting {
  reason: Reason | null;
  /** A node of an earlier version does not say it in lists. */
  presence?: Snapshot["presence"];
}

/** Whether a record waits because somebody is missing. */
export function isAbsence(reason: Reason | null): reason is "user_away" | "advisor_away" {
  return reason === "user_away" || reason === "advisor_away";
}

/** Why the record waits, by who is missing now. */
export function reasonNow(record: Waiting, viewer: Viewer): Reason | null {
  return isAbsence(record.reason) ? `${absentee(record, viewer)}_away` : record.reason;
}

/** The party who is missing now. The reason of the wait names who left first, and the other may have left since. */
export function absentee({ reason, presence }: Waiting, viewer: Viewer): Party {
  const first = reason === "user_away" ? "user" : "advisor";
  const other = viewer === "operator" ? first : viewer === "user" ? "advisor" : "user";
  const parties = [other, other === "user" ? "advisor" : "user"] as const;
  return parties.find((party) => presence?.[party] === false) ?? first;
}
