/** Calls after which nobody pays: they reach the service also where the connection is away as the person asks for them. */

import type { Chat } from "../chat.ts";
import type { Snapshot } from "../core/types.ts";
import { RequestProblem } from "../request.ts";

const REPEAT_MS = 1000;

/** Ends the record. `told` hears of each time that the service can't be reached, after which the call is made again. */
export function stopSurely(
  chat: Pick<Chat, "stop">,
  recordId: string | undefined,
  told: (problem: unknown) => void,
): Promise<Snapshot | null> {
  return surely(() => chat.stop({ recordId }), told);
}

/** Pauses the record that the chat shows now, and none that begins meanwhile. `told` is that of `stopSurely`. */
export function pauseSurely(
  chat: Pick<Chat, "pause" | "snapshot">,
  told: (problem: unknown) => void,
): Promise<Snapshot | null> {
  const asked = chat.snapshot?.record?.id;
  return surely(async () => (chat.snapshot?.record?.id === asked ? chat.pause() : null), told);
}

async function surely<T>(call: () => Promise<T>, told: (problem: unknown) => void): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RequestProblem) || error.problem.status !== 0) throw error;
      told(error);
      await new Promise((resolve) => setTimeout(resolve, REPEAT_MS));
    }
  }
}
