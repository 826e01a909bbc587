/** The question before a conversation ends. */

import type { Frame } from "../core/types.ts";
import { filled, type Words } from "../words.ts";
import { hasMoved } from "./acts.ts";
import type { Question } from "./ask.ts";

/** `frame` and `money` are called again while the person thinks. */
export function stopQuestion(frame: () => Frame, words: Words, money: (amount: string) => string): Question {
  return {
    title: words.askStop,
    text: () => {
      const { cost, snapshot } = frame();
      // The cost of a record that goes on in another chat is not known here.
      if (!snapshot || hasMoved(snapshot)) return words.askStopText;
      return `${words.askStopText} ${filled(words.costsSoFar, { amount: money(cost) })}`;
    },
    yes: words.endConversation,
    no: words.keepTalking,
    isDanger: true,
  };
}
