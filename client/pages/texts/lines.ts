/** The lines of a receipt in the language and the currency of the page. The receipt itself has them in English, in credits. */

import { explain, type Line } from "../../src/core/explain.ts";
import { allowanceOf } from "../../src/core/facts.ts";
import { micros, pricing } from "../../src/core/price.ts";
import type { Receipt } from "../../src/core/types.ts";
import { say } from "./language.ts";
import { durationText, longDuration, rateText, unitText } from "./words.ts";

/** The words of each line. A receipt whose lines this page can't explain keeps its own words. */
export function lineWords(receipt: Receipt): string[] {
  const { tariff, elapsed_ms, lines } = receipt;
  const allowanceMs = allowanceOf(receipt);
  const explained = explain(pricing(receipt), elapsed_ms, allowanceMs);
  const isSame =
    explained.length === lines.length &&
    explained.every(({ amount }, index) => amount === micros(lines[index]?.amount ?? "0"));
  if (!isSame) return lines.map(({ text }) => text);
  const values = {
    duration: longDuration(Math.min(elapsed_ms, allowanceMs) / 1000),
    limit: longDuration(tariff.grace_seconds ?? 0),
  };
  const inGrace = { ...values, duration: longDuration((elapsed_ms - allowanceMs) / 1000) };
  return explained.map((line) =>
    line.what === "run" ? runWords(line) : say(WORDS[line.what], line.what === "grace" ? inGrace : values),
  );
}

const WORDS = {
  free: "lineFree",
  grace: "lineGrace",
  connect: "lineConnect",
  maximum: "lineMaximum",
  minimum: "lineMinimum",
  rounding: "lineRounding",
} as const;

/** "3 minutes at 1.00 a minute". */
function runWords({ run, units = 0n }: Line): string {
  if (!run) return "";
  const seconds = Number(run.incrementMs) / 1000;
  const isUnit = [1, 60, 3600].includes(seconds);
  const times = say("countTimes", { count: String(units), duration: durationText(seconds) });
  const unit = seconds === 3600 ? "hour" : seconds === 60 ? "minute" : "second";
  const duration = isUnit ? unitText(Number(units), unit) : units === 1n ? durationText(seconds) : times;
  return say("lineRun", { duration, rate: rateText(run.tier) });
}
