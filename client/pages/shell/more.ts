/** A list that is shown page by page: the first page now, the others by its button. */

import { perform } from "./frame.ts";

/** Shows the first page. `showPage` gets the `next` of the page before, and returns that of its own. */
export async function showPages(
  button: HTMLButtonElement,
  showPage: (next: string | null) => Promise<string | null>,
): Promise<void> {
  let next = await showPage(null);
  button.hidden = next === null;
  button.onclick = () =>
    perform(button, async () => {
      next = await showPage(next);
      button.hidden = next === null;
    });
}
