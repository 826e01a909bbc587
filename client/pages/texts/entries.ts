/** An entry of a user's ledger in words. */

import { micros } from "../../src/core/price.ts";
import type { Entry } from "../../src/core/types.ts";
import { say } from "./language.ts";
import { dayAndTime, money, nameInSentence } from "./words.ts";

/** What an entry was: "Conversation with Maya, paid with a gift". `advisor` is the advisor of its record, if known. */
export function entryWords(entry: Entry, advisor: string | null): string {
  const { kind, reference, reason, expires_at } = entry;
  const name = advisor === null ? "" : nameInSentence(advisor);
  switch (kind) {
    case "charge":
      return withGift(advisor === null ? say("conversation") : say("conversationWith", { name }), entry);
    case "refund":
      return backAsGift(
        withDetail(
          advisor === null ? say("refund") : say("refundOfConversation", { name }),
          reason ?? reference,
        ),
        entry,
      );
    case "purchase":
      return withDetail(say("bought"), reference);
    case "gift": {
      const gift = withDetail(say("gift"), reference);
      return expires_at === null ? gift : say("giftUntil", { gift, day: dayAndTime(expires_at) });
    }
    case "debit":
      return withGift(withDetail(say("spentElsewhere"), reference), entry);
    case "expiry":
      return say("giftExpired");
    default: // the kind of a newer server
      return (kind as string).replaceAll("_", " ");
  }
}

function withDetail(words: string, detail: string | null): string {
  return detail ? say("withDetail", { words, detail }) : words;
}

/** What was paid with gifts comes back as a gift. */
function backAsGift(words: string, { amount, gift }: Entry): string {
  if (micros(gift) === 0n) return words;
  return micros(gift) === micros(amount)
    ? say("allBackAsGift", { words })
    : say("backAsGift", { words, amount: money(gift) });
}

function withGift(words: string, { amount, gift }: Entry): string {
  if (micros(gift) === 0n) return words;
  return micros(gift) === micros(amount)
    ? say("allGift", { words })
    : say("partGift", { words, amount: money(gift.replace("-", "")) });
}
