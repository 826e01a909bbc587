/** The price is agreed to before paid time begins, and before paused time goes on in another chat. */

import { credits, micros, price as priceOf } from "../../src/core/price.ts";
import type { Tariff } from "../../src/core/types.ts";
import { FREE_MIN_MS } from "../../src/talk/acts.ts";
import { ask } from "../../src/talk/ask.ts";
import { lastingMs } from "../../src/talk/lasting.ts";
import { filled } from "../../src/words.ts";
import { say, talkWords } from "../texts/language.ts";
import { longDuration, money, nameInSentence, price } from "../texts/words.ts";

export interface Offer {
  display_name: string;
  tariff: Tariff;
}

/**
 * Whether the user agrees to pay the price from the first moment. Where time is free at first, nobody is asked. Credit of
 * `available` that lasts less than two minutes is told.
 */
export async function agreesToPay(
  { display_name, tariff }: Offer,
  freeMs: number,
  available: string,
): Promise<boolean> {
  if (freeMs >= FREE_MIN_MS) return true;
  const paid = { ...tariff, free_seconds: 0 };
  const first = priceOf(paid, 1, { grace: false }).micros;
  const atOnce = first > 0n ? ` ${firstText(paid, money(credits(first)))}` : "";
  return ask({
    title: say("agreeTitle", { name: nameInSentence(display_name) }),
    text: `${price(paid)}.${atOnce}${lastsText(paid, available)}`,
    yes: talkWords().startPaidTime,
    no: talkWords().notNow,
  });
}

/** Whether the user wants paused time to go on in another chat. */
export function agreesToGoOn(tariff: Tariff): Promise<boolean> {
  return ask({
    title: say("goOnTitle"),
    text: say("goOnText", { price: price(tariff) }),
    yes: talkWords().resume,
    no: talkWords().notNow,
  });
}

function firstText({ grace_seconds = 0 }: Tariff, amount: string): string {
  return grace_seconds > 0
    ? say("agreeFirstAfter", { amount, duration: longDuration(grace_seconds) })
    : say("agreeFirst", { amount });
}

function lastsText(tariff: Tariff, available: string): string {
  const ms = lastingMs(tariff, micros(available));
  if (ms === null) return "";
  if (ms === 0) return ` ${talkWords().notEnoughCredit}`;
  return ` ${filled(talkWords().creditLasts, { time: longDuration(Math.floor(ms / 1000)) })}`;
}
