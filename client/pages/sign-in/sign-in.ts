/** Signs this tab in with a link, once, then goes on to the page of the link. */

import { RequestProblem, requester } from "../../src/request.ts";
import { find, setText } from "../shell/dom.ts";
import { problemText, root } from "../shell/service.ts";
import { homeOf, ownPage, type Session, storeSession } from "../shell/session.ts";
import { say } from "../texts/language.ts";

interface SignedIn extends Session {
  page: string | null;
}

/** The code in the address. It leaves the address at once, so that neither the history nor a copied address has it. */
function takeCode(): string {
  const code = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  return code;
}

async function signIn(): Promise<void> {
  const code = takeCode();
  if (!code) throw new RequestProblem({ title: "No link", status: 404, code: "not_found" });
  const use = requester(root, () => "");
  const { page, ...session } = await use<SignedIn>("POST", "/links/use", { code });
  storeSession(session);
  // Replaced, so that "Back" does not lead to a link that is used up.
  location.replace((page && ownPage(page)) ?? root + homeOf(session.role));
}

function showProblem(error: unknown): void {
  const isOver = error instanceof RequestProblem && error.problem.status === 404;
  setText(find("title"), say(isOver ? "linkUsedTitle" : "didNotWork"));
  setText(find("text"), isOver ? say("linkUsedText") : problemText(error));
}

// A browser may run a page ahead, before anybody opens it.
if ("prerendering" in document && document.prerendering)
  document.addEventListener("prerenderingchange", () => void signIn().catch(showProblem), { once: true });
else signIn().catch(showProblem);
