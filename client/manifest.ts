/**
 * What editors and catalogues of components may know of the element: a custom-elements manifest, which the package holds
 * as `dist/custom-elements.json`. `tests/manifest.test.ts` compares it with the element and with its reference page.
 */

import type { Package } from "custom-elements-manifest";

const description =
  "The timer of a paid conversation: time, credit and free time, the same numbers as on the server and on the receipt.";

export const manifest: Package = {
  schemaVersion: "2.1.0",
  modules: [
    {
      kind: "javascript-module",
      path: "dist/talktime.js",
      declarations: [
        {
          kind: "class",
          customElement: true,
          tagName: "talk-time",
          name: "TalkTimeElement",
          superclass: { name: "HTMLElement", package: "global:" },
          summary: "The timer of a paid conversation.",
          description,
          attributes: [
            { name: "chat-id", type: { text: "string" }, description: "The chat to show." },
            {
              name: "src",
              type: { text: "string" },
              description:
                "Where the service is: an address, or a path on the page's own site. The page's own origin when absent.",
            },
            {
              name: "currency",
              type: { text: "string" },
              description:
                "The currency of one credit, a code of ISO 4217 such as EUR: the credits are shown in this currency. Credits without a currency when absent.",
            },
            {
              name: "observe",
              type: { text: "boolean" },
              description:
                "The element only looks, as in a list of chats: it makes nobody present in the chat.",
            },
            {
              name: "of",
              type: { text: '"record" | "chat"' },
              description:
                "Whose running time to show: the record's, to which cost, free time and credits belong, or the chat's own. The record's when absent.",
            },
            {
              name: "show",
              type: { text: "string" },
              description: "Which of `elapsed`, `credits`, `free`, `topup` to show. All when absent.",
            },
            {
              name: "labels",
              type: { text: "boolean" },
              description: "A word stands before the digits of each part.",
            },
            {
              name: "lang",
              type: { text: "string" },
              description:
                "The language of the words and amounts. That of the element around it when absent.",
            },
            {
              name: "state",
              type: { text: '"syncing" | "running" | "paused" | "reconnecting" | "ended"' },
              description: "What the timer does. To read: the element sets it.",
            },
            {
              name: "reason",
              type: { text: "string" },
              description: "Why the timer does not run. To read: the element sets it.",
            },
            {
              name: "paid",
              type: { text: "boolean" },
              description: "Present while no free time is left. To read: the element sets it.",
            },
          ],
          members: [
            {
              kind: "field",
              name: "chat",
              type: { text: "Chat | null" },
              description:
                "The chat to show, from `connect(…).watch(id)`: instead of `chat-id`, `src` and `token`.",
            },
            {
              kind: "field",
              name: "token",
              type: { text: "TokenSource | null" },
              description:
                "A function that returns a token, or a promise of one. Called again when a token has expired.",
            },
            {
              kind: "field",
              name: "reading",
              type: { text: "Reading" },
              readonly: true,
              description: "`{elapsedMs, errorMs, state, balance}` at the moment at which it is read.",
            },
          ],
          events: [
            {
              name: "topup",
              type: { text: "CustomEvent" },
              description: "The top-up button was pressed. Bubbles.",
            },
            {
              name: "problem",
              type: { text: "CustomEvent<Problem>" },
              description: "The live channel refused something. `detail` is the problem document. Bubbles.",
            },
          ],
          cssParts: [
            { name: "digits", description: "All digits." },
            { name: "elapsed", description: "The digits of the time." },
            { name: "credits", description: "The digits of the credit." },
            { name: "free", description: "The digits of the free time." },
            { name: "topup", description: "The top-up button." },
          ],
          cssProperties: [
            { name: "--talk-time-gap", default: "0.75em", description: "The space between the parts." },
            {
              name: "--talk-time-dim",
              default: "0.7",
              description: "The opacity of digits that are in doubt.",
            },
            {
              name: "--talk-time-accent",
              default: "currentColor",
              description: "The colour of the button's border.",
            },
          ],
        },
      ],
      exports: [
        { kind: "js", name: "TalkTimeElement", declaration: { name: "TalkTimeElement" } },
        { kind: "custom-element-definition", name: "talk-time", declaration: { name: "TalkTimeElement" } },
      ],
    },
    {
      kind: "javascript-module",
      path: "dist/talk-chat.js",
      declarations: [
        {
          kind: "class",
          customElement: true,
          tagName: "talk-chat",
          name: "TalkChatElement",
          superclass: { name: "HTMLElement", package: "global:" },
          summary: "A whole paid conversation.",
          description: "The timer, what a person can do, the messages, and the form to write one.",
          attributes: [
            { name: "chat-id", type: { text: "string" }, description: "The chat to show." },
            {
              name: "src",
              type: { text: "string" },
              description:
                "Where the service is: an address, or a path on the page's own site. The page's own origin when absent.",
            },
            {
              name: "party",
              type: { text: '"user" | "advisor"' },
              default: "user",
              description: "Whose page this is: the user's, or the advisor's.",
            },
            {
              name: "lang",
              type: { text: "string" },
              description:
                "The language of the words and amounts. That of the element around it when absent.",
            },
            {
              name: "currency",
              type: { text: "string" },
              description:
                "The currency of one credit, such as `EUR`. Credits without a currency when absent.",
            },
            {
              name: "messages-when-stopped",
              type: { text: '"refuse" | "allow"' },
              default: "refuse",
              description:
                "Whether people may write while no time runs: the value of the setting TALKTIME_MESSAGES_WHEN_STOPPED.",
            },
          ],
          members: [
            {
              kind: "field",
              name: "token",
              type: { text: "TokenSource | null" },
              description:
                "A function that returns a token, or a promise of one. Called again when a token has expired.",
            },
          ],
          events: [
            {
              name: "topup",
              type: { text: "CustomEvent" },
              description: "The top-up button was pressed. Bubbles.",
            },
            {
              name: "problem",
              type: { text: "CustomEvent<Problem>" },
              description: "The live channel refused something. `detail` is the problem document. Bubbles.",
            },
          ],
          cssParts: [
            { name: "meter", description: "The section with the numbers and the buttons." },
            { name: "time", description: "The `<talk-time>` in the element." },
            { name: "cost", description: "The cost so far." },
            { name: "status", description: "What the timer does, or why it does not run." },
            { name: "acts", description: "The row of buttons." },
            { name: "start", description: "The button that starts, starts again or continues here." },
            { name: "accept", description: "The advisor's button that accepts a call." },
            { name: "decline", description: "The advisor's button that declines a call." },
            { name: "pause", description: "The button that pauses." },
            { name: "resume", description: "The button that continues." },
            { name: "stop", description: "The button that ends the conversation." },
            { name: "problem", description: "The line for a failure." },
            { name: "talk", description: "The section with the messages." },
            { name: "log", description: "The messages." },
            { name: "typing", description: "The line that says who is typing." },
            { name: "composer", description: "The form to write a message." },
            { name: "why", description: "The line above the field that says why nobody can write, or what." },
            { name: "field", description: "The field of the form." },
            { name: "send", description: "The button of the form." },
          ],
          cssProperties: [
            { name: "--talk-chat-gap", default: "0.75em", description: "The space between the parts." },
            { name: "--talk-chat-height", default: "32em", description: "The height of the element." },
            {
              name: "--talk-chat-accent",
              default: "currentColor",
              description: "The colour of the borders of buttons.",
            },
          ],
        },
      ],
      exports: [
        { kind: "js", name: "TalkChatElement", declaration: { name: "TalkChatElement" } },
        { kind: "custom-element-definition", name: "talk-chat", declaration: { name: "TalkChatElement" } },
      ],
    },
  ],
};
