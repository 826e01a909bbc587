/** Whether the other party is there. */

import type { Frame, Party } from "../core/types.ts";

/** Whether the party is present in the chat; null where that is not known, or where a page need not say it. */
export function isHere({ snapshot, state, at, isStanding }: Frame, party: Party): boolean | null {
  if (!snapshot || state === "reconnecting" || isStanding) return null;
  // Time runs only while both are there.
  if (snapshot.timer.running) return true;
  // A node of an earlier version does not say it.
  const { presence, record } = snapshot;
  if (!presence) return null;
  if (presence[party] && (presence.until === null || at === null || at < Date.parse(presence.until)))
    return true;
  // Where a record waits for the party, the page says so already.
  return record?.reason === "paused" || record?.reason === "out_of_credit" ? false : null;
}
