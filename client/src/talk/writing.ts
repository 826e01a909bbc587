/** Who may write while no time runs, as the service decides it where the setting `messages_when_stopped` is `refuse`. */

import type { Message, Snapshot } from "../core/types.ts";

const MESSAGE_LENGTH_MAX = 4000;
const NOTE_LENGTH_MAX = 500;

export interface Writing {
  /** How many characters a message may have now; 0 where the party can't write. */
  most: number;
  /** The name of the words that say why not, or what may be written; null where nothing needs to be said. */
  why: "writeWhileRunning" | "writeNote" | "noteSent" | null;
}

export const FREELY: Writing = { most: MESSAGE_LENGTH_MAX, why: null };

/**
 * What a party may write: a message needs running time. Before any time has run, the user may send one note.
 * `lastOwn` is the instant of the user's last message in the chat, null where there is none.
 */
export function writingOf(
  { record, elapsed_ms }: Snapshot,
  party: Message["sender"],
  lastOwn: string | null,
): Writing {
  if (record?.state === "running") return FREELY;
  if (party === "advisor" || !record || record.state === "ended" || elapsed_ms > 0)
    return { most: 0, why: "writeWhileRunning" };
  const isSent = lastOwn !== null && Date.parse(lastOwn) >= Date.parse(record.started_at);
  return isSent ? { most: 0, why: "noteSent" } : { most: NOTE_LENGTH_MAX, why: "writeNote" };
}
