/** `@talktime/client`: the meter of a paid conversation, in the browser. */

export type { Chat, StartOptions } from "./chat.ts";
export { countdown, stopwatch } from "./core/digits.ts";
export { credits, micros, type Price, price } from "./core/price.ts";
export type * from "./core/types.ts";
export { TalkTimeElement } from "./element.ts";
export { type Request, type RequestOptions, RequestProblem, type TokenSource } from "./request.ts";
export type { SocketStatus } from "./socket.ts";
export { type ConnectOptions, connect, type Talktime } from "./talktime.ts";
export { setWords, type Words } from "./words.ts";
