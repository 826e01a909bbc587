/** The price is agreed to before paid time begins, and before time goes on in another chat. */

import { credits } from "../../src/core/price.ts";
import type { Offer, Snapshot } from "../../src/core/types.ts";
import { RequestProblem } from "../../src/request.ts";
import { firstDue, lastsOnlyMs } from "../../src/talk/acts.ts";
import { ask } from "../../src/talk/ask.ts";
import { filled } from "../../src/words.ts";
import { say, talkWords } from "../texts/language.ts";
import { tariffOfOffer } from "../texts/offer.ts";
import { longDuration, money, nameInSentence, price } from "../texts/words.ts";

/** The refusal that the start would meet, so that nobody agrees to what can't be paid. */
const NO_CREDIT = { title: "Not enough credit", status: 402, code: "insufficient_credit" };

/** Whether the user agrees to pay the price, while `isWanted`. Credit that lasts only shortly is told. */
export async function agreesToPay(offer: Offer, isWanted = () => true): Promise<boolean> {
  if (offer.lasts_ms === 0) throw new RequestProblem(NO_CREDIT);
  const { micros, seconds } = firstDue(offer);
  const first = micros > 0n ? ` ${firstText(seconds, money(credits(micros)))}` : "";
  const text = `${price(tariffOfOffer(offer))}.${first}${lastsText(offer)}`;
  return ask({
    title: say("agreeTitle", { name: nameInSentence(offer.display_name) }),
    text: whileWanted(isWanted, text),
    yes: talkWords().startPaidTime,
    no: talkWords().notNow,
  });
}

/**
 * Whether the user wants the record to go on in another chat, while `stateNow` is its state. `name` is that of the advisor,
 * who has to come there, too. Nobody is asked where no time would run: while a call rings, or where the credit is out.
 */
export async function agreesToGoOn(
  name: string,
  { record }: Snapshot,
  stateNow: () => string | null | undefined,
): Promise<boolean> {
  const state = record?.state;
  const hasTime = state === "running" || (state === "paused" && record?.reason !== "out_of_credit");
  if (!hasTime) return true;
  return ask({
    title: say("goOnTitle"),
    text: whileWanted(
      () => stateNow() === state,
      say(state === "running" ? "goOnRunning" : "goOnText", { name: nameInSentence(name) }),
    ),
    yes: talkWords().resume,
    no: talkWords().notNow,
  });
}

/** Whether the user wants the conversation, which is in another chat, to go on in this one, while `isWanted`. */
export function agreesToBring(isWanted = () => true): Promise<boolean> {
  return ask({
    title: say("bringTitle"),
    text: whileWanted(isWanted, say("bringText")),
    yes: talkWords().continueHere,
    no: talkWords().notNow,
  });
}

function whileWanted(isWanted: () => boolean, text: string): () => string | null {
  return () => (isWanted() ? text : null);
}

function firstText(seconds: number, amount: string): string {
  return seconds > 0
    ? say("agreeFirstAfter", { amount, duration: longDuration(seconds) })
    : say("agreeFirst", { amount });
}

function lastsText(offer: Offer): string {
  const ms = lastsOnlyMs(offer);
  if (ms === null) return "";
  return ` ${filled(talkWords().creditLasts, { time: longDuration(Math.floor(ms / 1000)) })}`;
}
