/** Says once, where nobody can miss it, that paid time has begun. A page that is opened later does not say it. */

import type { Frame } from "../../src/index.ts";
import { find, setText } from "../shell/dom.ts";
import { say } from "../texts/language.ts";
import { tariffOf } from "../texts/offer.ts";
import { price } from "../texts/words.ts";

const SHOWN_MS = 12_000;

/** Compares a frame with the frame before; null for the first frame of the page. */
export function announcePaidTime(frame: Frame, before: Frame | null): void {
  const earlier = before?.snapshot;
  const latest = frame.snapshot;
  if (!latest?.timer.running) find("paid").hidden = true;
  // Free time and the grace are not billed.
  if (!before || !earlier || !latest?.timer.running || frame.billedMs === 0) return;
  const wasPaid = before.billedMs > 0 && earlier.record?.id === latest.record?.id;
  if (wasPaid) return;
  const line = find("paid");
  line.hidden = false;
  setText(
    line,
    latest.tariff
      ? `${say("paidTimeStarts")} ${price({ ...tariffOf(latest), free_seconds: 0, grace_seconds: 0 })}`
      : say("paidTimeStarts"),
  );
  setTimeout(() => {
    line.hidden = true;
  }, SHOWN_MS);
}
