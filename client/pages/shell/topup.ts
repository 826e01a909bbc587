/** Adding credit without leaving: for the asking in the demo, at the host's address otherwise. */

import { money } from "../texts/words.ts";
import { demo, topUp } from "./demo.ts";
import { make } from "./dom.ts";
import { act } from "./frame.ts";

const AMOUNTS = ["5", "10", "20"];

/** Buttons of the demo, a link to the host's page, or nothing where there is neither. `done` runs after a credit. */
export function topUpControl(done: () => unknown): HTMLElement[] {
  if (demo) {
    const summary = make("summary", { class: "button" }, "Top up");
    const details = make("details", {}, summary);
    const add = (button: HTMLButtonElement, amount: string) =>
      act(button, async () => {
        await topUp(amount);
        details.open = false;
        summary.focus();
        await done();
      });
    const buttons = AMOUNTS.map((amount) => {
      const name = `Top up ${money(amount)}`;
      const button = make("button", { type: "button", "aria-label": name }, `+${money(amount)}`);
      button.addEventListener("click", () => add(button, amount));
      return button;
    });
    details.append(make("div", { class: "actions" }, ...buttons));
    return [details];
  }
  const host = document.documentElement.dataset.topup;
  return host
    ? [make("a", { class: "button", href: host, target: "_blank", rel: "noopener" }, "Top up")]
    : [];
}
