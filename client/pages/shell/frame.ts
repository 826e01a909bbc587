/** What every page begins with: the ways in its header, and a panel instead of the content when nobody is signed in. */

import { RequestProblem } from "../../src/request.ts";
import { demo } from "./demo.ts";
import { find, make, say } from "./dom.ts";
import { inWords, root } from "./service.ts";
import { home, lastSubject, type Role, readSession, type Session } from "./session.ts";

/**
 * Show the page to somebody who may see it. Returns who, or null after showing the panel that says how to sign in.
 * A service token may see what an operator sees.
 */
export function enter(...roles: Role[]): Session | null {
  const session = readSession();
  window.addEventListener("signedout", () => {
    showPanel("You are signed out", "Your token has run out.");
  });
  showWays(session);
  if (!session) {
    showPanel("You are not signed in", "This page belongs to somebody: it needs a token in this tab.");
    return null;
  }
  if (!roles.includes(session.role === "service" ? "operator" : session.role)) {
    showPanel("This page is for somebody else", `You are here as ${article(session.role)}.`);
    return null;
  }
  find("content").hidden = false;
  return session;
}

/** Say what went wrong in the page's own line, or clear it with null. Where credit would help, offer it. */
export function showProblem(error: unknown): void {
  const line = find("problem");
  line.hidden = error === null;
  say(line, error === null ? "" : inWords(error));
  if (error instanceof RequestProblem && error.problem.code === "insufficient_credit") offerTopUp();
}

/** Show the amounts unasked: the moment to choose one has come. */
export function offerTopUp(): void {
  const details = document.querySelector<HTMLDetailsElement>("#topup details");
  if (details) details.open = true;
}

/** Run a person's act from a button: disabled meanwhile, its refusal shown. */
export async function act(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<void> {
  button.disabled = true;
  try {
    showProblem(null);
    await work();
  } catch (error) {
    showProblem(error);
  } finally {
    button.disabled = false;
  }
}

function showWays(session: Session | null): void {
  const ways = find("ways");
  if (session) {
    const [href, text] = [
      home(session.role),
      session.role === "user" || session.role === "advisor" ? "Your chats" : "Running now",
    ];
    const here = location.pathname === root + href;
    ways.append(make("a", { href: root + href, ...(here && { "aria-current": "page" }) }, text));
  }
  if (demo) ways.append(make("a", { href: `${root}/` }, "Switch person"));
}

function showPanel(title: string, text: string): void {
  const content = find("content");
  content.hidden = true;
  if (document.getElementById("signed-out")) return;
  const subject = lastSubject();
  const next = encodeURIComponent(location.pathname.slice(root.length) + location.search);
  const links = demo
    ? [
        subject
          ? make(
              "a",
              {
                class: "button primary",
                href: `${root}/demo/as/${encodeURIComponent(subject)}?next=${next}`,
              },
              "Sign in again",
            )
          : null,
        make("a", { class: subject ? "button" : "button primary", href: `${root}/` }, "Choose who to be"),
      ]
    : [make("span", { class: "quiet" }, "Go back to the site you came from and open it from there.")];
  content.after(
    make(
      "section",
      { class: "card narrow", id: "signed-out" },
      make("h1", {}, title),
      make("p", {}, text),
      make("p", { class: "actions" }, ...links),
    ),
  );
}

function article(role: Role): string {
  return role === "user" || role === "service" ? `a ${role}` : `an ${role}`;
}
