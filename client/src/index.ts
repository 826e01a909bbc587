/** @talktime/client: the meter of a paid conversation, in the browser. */

export { credits, micros, type Price, price } from "./price.ts";
export { type Request, type RequestOptions, RequestProblem } from "./request.ts";
export type * from "./types.ts";
