/** `@talktime/client/receipt`: whether a receipt is right, and how a cost divides. Needs no browser. */

export { type Check, holds } from "./core/check.ts";
export { fingerprint } from "./core/fingerprint.ts";
export { type Share, share } from "./core/share.ts";
export type * from "./core/types.ts";
export { NotAReceiptError } from "./core/value-forms.ts";
export { verify } from "./core/verify.ts";
