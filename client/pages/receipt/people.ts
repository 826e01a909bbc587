/** From a receipt to the pages of its people, for operators. */

import type { Receipt } from "../../src/core/types.ts";
import { find, make } from "../shell/dom.ts";
import { path, root } from "../shell/service.ts";

/** Links to the user and the advisor beside the buttons of the receipt. */
export function linkPeople({ record, user_name, advisor_name }: Receipt): void {
  const link = (href: string, name: string): HTMLElement =>
    make("a", { class: "button person-link", dir: "auto", href: root + href }, name);
  for (const old of document.querySelectorAll(".person-link")) old.remove();
  find("acts").append(
    link(path`/operator/users/${record.user_id}`, user_name),
    link(path`/operator/advisors/${record.advisor_id}`, advisor_name),
  );
}
