/** The question before a conversation ends. */

import type { Chat } from "../chat.ts";
import { filled, type Words } from "../words.ts";
import { hasMoved } from "./acts.ts";
import { ask } from "./ask.ts";

/**
 * Whether the person wants to end the conversation. The cost goes on while the person thinks; `money` writes an amount. A call
 * that nobody has accepted has cost nothing, so nobody is asked.
 */
export async function agreesToStop(
  chat: Pick<Chat, "frame" | "snapshot">,
  words: Words,
  money: (amount: string) => string,
  parent?: Node,
): Promise<boolean> {
  if (chat.snapshot?.record?.state === "requested") return true;
  const asked = chat.snapshot?.record?.id;
  const text = (): string | null => {
    const { cost, snapshot } = chat.frame();
    // The other party was quicker, and may have begun another record since.
    if (snapshot?.record?.state === "ended" || snapshot?.record?.id !== asked) return null;
    // The cost of a record that goes on in another chat is not known here.
    if (!snapshot || hasMoved(snapshot)) return words.askStopText;
    return `${words.askStopText} ${filled(words.costsSoFar, { amount: money(cost) })}`;
  };
  const { askStop: title, endConversation: yes, keepTalking: no } = words;
  return ask({ title, text, yes, no, isDanger: true }, parent);
}
