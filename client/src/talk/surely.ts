/** A pause or a stop that a person has asked for is repeated until the service answers, because time costs money until then. */

import type { Chat } from "../chat.ts";
import type { ConversationRecord, Snapshot } from "../core/types.ts";
import { RequestProblem } from "../request.ts";

const REPEAT_MS = 1000;

/** `true` where the service can't be reached and the call is made again; `false` once the service has answered after that. */
type Told = (isLate: boolean) => void;

type Seen = Pick<Chat, "snapshot" | "stayAway">;

/** Ends the record. */
export function stopSurely(
  chat: Seen & Pick<Chat, "stop">,
  recordId: string | undefined,
  told: Told,
): Promise<Snapshot | null> {
  return surely(
    chat,
    recordId,
    () => chat.stop({ recordId }),
    ({ state }) => state === "ended",
    told,
  );
}

/** Pauses the record that the chat shows now, and none that begins meanwhile. */
export function pauseSurely(chat: Seen & Pick<Chat, "pause">, told: Told): Promise<Snapshot | null> {
  return surely(
    chat,
    chat.snapshot?.record?.id,
    () => chat.pause(),
    ({ state, reason }) => state === "ended" || reason === "paused",
    told,
  );
}

/**
 * Makes the call until the service answers, or until the record is as the call would leave it (`isDone`); then the result is
 * null. Meanwhile a page that is connected again makes its person not present: time would run again first.
 */
async function surely(
  chat: Seen,
  recordId: string | undefined,
  call: () => Promise<Snapshot>,
  isDone: (record: ConversationRecord) => boolean,
  told: Told,
): Promise<Snapshot | null> {
  let comeBack: (() => void) | null = null;
  try {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof RequestProblem) || error.problem.status !== 0) throw error;
      }
      comeBack ??= chat.stayAway();
      told(true);
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS));
      const record = chat.snapshot?.record;
      if (record?.id !== recordId || (record && isDone(record))) return null;
    }
  } finally {
    if (comeBack) {
      comeBack();
      told(false);
    }
  }
}
