/** Signs in as a person of the demo, then goes to that person's page. */

import { signInAs } from "../shell/demo.ts";
import { find, setText } from "../shell/dom.ts";
import { problemText, root } from "../shell/service.ts";
import { homeOf, storeSession } from "../shell/session.ts";

/** The page to go to, if it is of this origin: "//elsewhere" and "/\elsewhere" are not. */
function nextPage(): string | null {
  const next = new URLSearchParams(location.search).get("next");
  if (!next?.startsWith("/")) return null;
  const address = new URL(root + next, location.href);
  return address.origin === location.origin ? address.pathname + address.search : null;
}

try {
  const session = await signInAs(find("become").dataset.person ?? "");
  storeSession(session);
  // Replaced, so that "Back" leads to the list of people and not to this page.
  location.replace(nextPage() ?? root + homeOf(session.role));
} catch (error) {
  setText(find("title"), "That didn’t work");
  setText(find("text"), problemText(error));
}
