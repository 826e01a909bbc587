/** `@talktime/client/talk-chat`: everything of `@talktime/client`, and the element `<talk-chat>`. */

export * from "./index.ts";
export { TalkChatElement } from "./talk/element.ts";
