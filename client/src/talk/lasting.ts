/** How long a credit lasts, for the person who agrees to a price: credit that ends soon is told before time begins. */

import { price } from "../core/price.ts";
import type { Tariff } from "../core/types.ts";

/** Credit that lasts longer is not told. */
const SOON_MS = 120_000;

/** How long `credit` pays for from the first paid moment on, in ms; null for two minutes or more. */
export function lastingMs(tariff: Tariff, credit: bigint): number | null {
  const pays = (ms: number) => price(tariff, ms, { grace: false }).micros <= credit;
  let lasts = 0;
  for (let step = 131_072; step >= 1; step /= 2) if (pays(lasts + step)) lasts += step;
  return lasts < SOON_MS ? lasts : null;
}
