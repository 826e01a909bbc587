/** The price is agreed to before paid time begins, and before paused time goes on in another chat. */

import { credits, price as priceOf } from "../../src/core/price.ts";
import type { Offer, Tariff } from "../../src/core/types.ts";
import { isPaidAtOnce, lastsOnlyMs } from "../../src/talk/acts.ts";
import { ask } from "../../src/talk/ask.ts";
import { filled } from "../../src/words.ts";
import { say, talkWords } from "../texts/language.ts";
import { tariffOfOffer } from "../texts/offer.ts";
import { longDuration, money, nameInSentence, price } from "../texts/words.ts";

/**
 * Whether the user agrees to pay the price from the first moment. Where time is free at first, nobody is asked. Credit that
 * lasts only shortly is told.
 */
export async function agreesToPay(offer: Offer): Promise<boolean> {
  if (!isPaidAtOnce(offer)) return true;
  const paid = { ...tariffOfOffer(offer), free_seconds: 0 };
  const first = priceOf(paid, 1, { grace: false }).micros;
  const atOnce = first > 0n ? ` ${firstText(paid, money(credits(first)))}` : "";
  return ask({
    title: say("agreeTitle", { name: nameInSentence(offer.display_name) }),
    text: `${price(paid)}.${atOnce}${lastsText(offer)}`,
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

function lastsText(offer: Offer): string {
  const ms = lastsOnlyMs(offer);
  if (ms === null) return "";
  if (ms === 0) return ` ${talkWords().notEnoughCredit}`;
  return ` ${filled(talkWords().creditLasts, { time: longDuration(Math.floor(ms / 1000)) })}`;
}
