/** Signs in as a person of the demo, then goes to that person's page. */

import { signInAs } from "../shell/demo.ts";
import { find, setText } from "../shell/dom.ts";
import { problemText, root } from "../shell/service.ts";
import { homeOf, ownPage, storeSession } from "../shell/session.ts";
import { say } from "../texts/language.ts";

try {
  const session = await signInAs(find("become").dataset.person ?? "");
  storeSession(session);
  // Replaced, so that "Back" leads to the list of people and not to this page.
  const next = new URLSearchParams(location.search).get("next");
  location.replace((next && ownPage(next)) ?? root + homeOf(session.role));
} catch (error) {
  setText(find("title"), say("didNotWork"));
  setText(find("text"), problemText(error));
}
