/** The pure half, which knows no browser: engine time from pings, a screen's numbers from facts, what time costs. */

export { Clock, type Sample } from "./core/clock.ts";
export { countdown, stopwatch } from "./core/digits.ts";
export { type Measure, measure } from "./core/meter.ts";
export { credits, micros, type Price, price } from "./core/price.ts";
export type { Credits, Instant, Snapshot, Tariff, Tier } from "./core/types.ts";
