/** Computes the numbers of a screen for `tests/twins/test_meter.py`: a list of cases as JSON in, a list of answers out. */

import { text } from "node:stream/consumers";
import { measure } from "../../src/core/meter.ts";
import type { Snapshot } from "../../src/core/types.ts";

const cases = JSON.parse(await text(process.stdin)) as { snapshot: Snapshot; at: number }[];
const answers = cases.map(({ snapshot, at }) => {
  const { elapsedMs, billedMs, cost, balance, freeMs } = measure(snapshot, at);
  return { elapsed_ms: elapsedMs, billed_ms: billedMs, cost, balance, free_remaining_ms: freeMs };
});
process.stdout.write(JSON.stringify(answers));
