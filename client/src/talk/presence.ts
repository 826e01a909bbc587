/** Whether the other party is there. */

import type { Frame, Party, Snapshot } from "../core/types.ts";
import type { Viewer } from "./acts.ts";

/** Whether the party is present in the chat; null where that is not known, or where a page need not say it. */
export function isHere({ snapshot, state, at, isStanding }: Frame, party: Party): boolean | null {
  if (!snapshot || state === "reconnecting" || isStanding) return null;
  const { presence, record } = snapshot;
  // Time runs while both leases hold. A party may not have come to this chat yet, but still be in the previous chat.
  if (snapshot.timer.running) return presence?.[party] ?? true;
  // A node of an earlier version does not say it.
  if (!presence) return null;
  if (presence[party] && (presence.until === null || at === null || at < Date.parse(presence.until)))
    return true;
  // Where a record waits for the party, the page says so already.
  return record?.reason === "paused" || record?.reason === "out_of_credit" ? false : null;
}

/** The party whom a record waits for. The reason of the pause names who left first, and the other may have left since. */
export function absentee({ record, presence }: Snapshot, viewer: Viewer): Party {
  const first = record?.reason === "user_away" ? "user" : "advisor";
  if (viewer === "operator") return first;
  const other = viewer === "user" ? "advisor" : "user";
  if (presence?.[other] === false) return other;
  return presence?.[viewer] === false ? viewer : first;
}
