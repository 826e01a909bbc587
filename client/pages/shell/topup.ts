/** The control to top up: in the demo it adds credit at once, elsewhere it leads to the host's page. */

import { money } from "../texts/words.ts";
import { isDemo, topUp } from "./demo.ts";
import { make } from "./dom.ts";
import { perform } from "./frame.ts";

const AMOUNTS = ["5", "10", "20"];

/** Buttons in the demo, else a link to the host's page, else nothing. `done` is called after credit was added. */
export function topUpControl(done: () => unknown): HTMLElement[] {
  if (isDemo) {
    const summary = make("summary", { class: "button" }, "Top up");
    const details = make("details", {}, summary);
    const add = (button: HTMLButtonElement, amount: string) =>
      perform(button, async () => {
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
