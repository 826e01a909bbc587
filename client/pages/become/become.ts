/** Become somebody in the demo, then go on. */

import { become } from "../shell/demo.ts";
import { find, say } from "../shell/dom.ts";
import { inWords, root } from "../shell/service.ts";
import { home, keepSession } from "../shell/session.ts";

/** The page asked for, if it is one of this origin: "//elsewhere" and "/\elsewhere" are not. */
function wanted(): string | null {
  const next = new URLSearchParams(location.search).get("next");
  if (!next?.startsWith("/")) return null;
  const address = new URL(root + next, location.href);
  return address.origin === location.origin ? address.pathname + address.search : null;
}

try {
  const session = await become(find("become").dataset.person ?? "");
  keepSession(session);
  // Replaced, so that "back" leads to the people and not through here again.
  location.replace(wanted() ?? root + home(session.role));
} catch (error) {
  say(find("title"), "That didn’t work");
  say(find("text"), inWords(error));
}
