/** The price is agreed to before paid time begins. */

import { credits, price as priceOf } from "../../src/core/price.ts";
import type { Tariff } from "../../src/core/types.ts";
import { ask } from "../../src/talk/ask.ts";
import { say, talkWords } from "../texts/language.ts";
import { money, nameInSentence, price } from "../texts/words.ts";

export interface Offer {
  display_name: string;
  tariff: Tariff;
}

/** Whether the user agrees to pay the price from the first moment. Where time is free at first, nobody is asked. */
export async function agreesToPay({ display_name, tariff }: Offer, freeMs: number): Promise<boolean> {
  if (freeMs > 0) return true;
  const paid = { ...tariff, free_seconds: 0 };
  const first = priceOf(paid, 1, { grace: false }).micros;
  const atOnce = first > 0n ? ` ${say("agreeFirst", { amount: money(credits(first)) })}` : "";
  return ask({
    title: say("agreeTitle", { name: nameInSentence(display_name) }),
    text: `${price(paid)}.${atOnce}`,
    yes: talkWords().startPaidTime,
    no: talkWords().notNow,
  });
}
