/** Adding credit without leaving: for the asking in the demo, at the host's address otherwise. */

import { demo, topUp } from "./demo.ts";
import { find, make } from "./dom.ts";
import { act } from "./frame.ts";
import { money } from "./words.ts";

const AMOUNTS = ["5", "10", "20"];

/** Show the amounts unasked: the moment to choose one has come. */
export function offerTopUp(): void {
  const details = find("topup").querySelector("details");
  if (details) details.open = true;
}

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
    return [
      make(
        "details",
        {},
        make("summary", { class: "button" }, "Top up"),
        make("div", { class: "actions" }, ...buttons),
      ),
    ];
  }
  const host = document.documentElement.dataset.topup;
  return host
    ? [make("a", { class: "button", href: host, target: "_blank", rel: "noopener" }, "Top up")]
    : [];
}
