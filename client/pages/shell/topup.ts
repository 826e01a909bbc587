/** The control to top up: in the demo it adds credit at once, elsewhere it opens the host's page beside this one. */

import { say, talkWords } from "../texts/language.ts";
import { money } from "../texts/words.ts";
import { isDemo, topUp } from "./demo.ts";
import { make } from "./dom.ts";
import { perform, showProblem } from "./frame.ts";
import { path, request } from "./service.ts";

const AMOUNTS = ["5", "10", "20"];

/** How long records wait for credit because the user has gone to pay. */
const PAYING_SECONDS = 900;

/** Buttons in the demo, else a link to the host's page, else nothing. `done` is called after credit was added. */
export function topUpControl(user: string, done: () => unknown): HTMLElement[] {
  if (isDemo) {
    const summary = make("summary", { class: "button" }, talkWords().topUp);
    const details = make("details", {}, summary);
    const add = (button: HTMLButtonElement, amount: string) =>
      perform(button, async () => {
        await topUp(amount);
        details.open = false;
        summary.focus();
        await done();
      });
    const buttons = AMOUNTS.map((amount) => {
      const name = say("topUpAmount", { amount: money(amount) });
      const button = make("button", { type: "button", "aria-label": name }, `+${money(amount)}`);
      button.addEventListener("click", () => add(button, amount));
      return button;
    });
    details.append(make("div", { class: "actions" }, ...buttons));
    return [details];
  }
  const host = document.documentElement.dataset.topup;
  if (!host) return [];
  // The host's page opens beside the conversation, so the user stays present, and a record without credit waits longer.
  const link = make(
    "a",
    { class: "button", href: host, target: "_blank", rel: "noopener" },
    talkWords().topUp,
  );
  link.addEventListener("click", () => {
    request("POST", path`/users/${user}/paying`, { seconds: PAYING_SECONDS }).catch(showProblem);
  });
  return [link];
}
