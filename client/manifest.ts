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
              name: "show",
              type: { text: "string" },
              description: "Which of `elapsed`, `credits`, `free`, `topup` to show. All when absent.",
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
              default: "0.6",
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
  ],
};
