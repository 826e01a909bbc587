/** The pure half, which knows no browser: engine time from pings, a screen's numbers from facts, what time costs. */

export { Clock, type Sample } from "./clock.ts";
export { countdown, stopwatch } from "./digits.ts";
export { type Measure, measure } from "./meter.ts";
export { credits, micros, type Price, price } from "./price.ts";
export type { Credits, Instant, Snapshot, Tariff, Tier } from "./types.ts";
