/** Adding credit without leaving: for the asking in the demo, at the host's address otherwise. */

import { demo, topUp } from "./demo.ts";
import { make } from "./dom.ts";
import { act } from "./frame.ts";
import { money } from "./words.ts";

const AMOUNTS = ["5", "10", "20"];

/** Buttons of the demo, a link to the host's page, or nothing where there is neither. `done` runs after a credit. */
export function topUpControl(done: () => unknown): HTMLElement[] {
  if (demo) {
    const buttons = AMOUNTS.map((amount) => {
      const button = make(
        "button",
        { type: "button", "aria-label": `Top up ${money(amount)}` },
        `+${money(amount)}`,
      );
      button.addEventListener("click", () =>
        act(button, async () => {
          await topUp(amount);
          await done();
        }),
      );
      return button;
    });
    return [make("span", { class: "quiet" }, "Top up"), ...buttons];
  }
  const host = document.documentElement.dataset.topup;
  return host
    ? [make("a", { class: "button", href: host, target: "_blank", rel: "noopener" }, "Top up")]
    : [];
}
