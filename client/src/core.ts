/** `@talktime/client/core`: engine time from pings, the numbers of a screen from its facts, and the price. Needs no browser. */

export { Clock, type Sample } from "./core/clock.ts";
export { countdown, stopwatch } from "./core/digits.ts";
export { type Measure, measure } from "./core/meter.ts";
export { credits, micros, type Price, price } from "./core/price.ts";
export type { Credits, Instant, Snapshot, Tariff, Tier } from "./core/types.ts";
