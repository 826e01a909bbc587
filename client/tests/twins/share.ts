/** Computes shares for `tests/twins/test_share.py`: a list of cases as JSON in, a list of answers out. */

import { text } from "node:stream/consumers";
import { credits } from "../../src/core/price.ts";
import { share } from "../../src/core/share.ts";
import type { Tariff, Terms } from "../../src/core/types.ts";

const cases = JSON.parse(await text(process.stdin)) as {
  terms: Terms;
  tariff: Tariff;
  elapsed_ms: number;
  allowance_ms: number;
}[];
const answers = cases.map(({ terms, tariff, elapsed_ms, allowance_ms }) => {
  const { advisor, fees } = share(terms, tariff, elapsed_ms - allowance_ms);
  return { advisor: credits(advisor), fees: credits(fees) };
});
process.stdout.write(JSON.stringify(answers));
