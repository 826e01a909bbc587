/** Computes prices for `tests/twins/test_price.py`: a list of cases as JSON in, a list of answers out. */

import { text } from "node:stream/consumers";
import { credits, price } from "../../src/core/price.ts";
import type { Tariff } from "../../src/core/types.ts";

const cases = JSON.parse(await text(process.stdin)) as {
  tariff: Tariff;
  elapsed_ms: number;
  allowance_ms: number;
}[];
const answers = cases.map(({ tariff, elapsed_ms, allowance_ms }) => {
  const paid = price(tariff, elapsed_ms - allowance_ms);
  const begun = price(tariff, elapsed_ms + 1 - allowance_ms, { grace: false });
  return { cost: credits(paid.micros), billed_ms: paid.billedMs, committed: credits(begun.micros) };
});
process.stdout.write(JSON.stringify(answers));
