/** The frame of every page: the links in its header, and a panel instead of the content when nobody is signed in. */

import { RequestProblem } from "../../src/request.ts";
import { isDemo } from "./demo.ts";
import { find, make, setText } from "./dom.ts";
import { problemText, root } from "./service.ts";
import { homeOf, lastSubject, type Role, readSession, type Session } from "./session.ts";

/**
 * Shows the page to a person who may see it. Returns the session, or null after showing a panel that says how to sign in.
 * A token of the role `service` may see what an operator sees.
 */
export function openPage(...roles: Role[]): Session | null {
  const session = readSession();
  window.addEventListener("signedout", () => {
    showPanel("You are signed out", "Your token has run out.");
  });
  showNavigation(session);
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

/** Shows a failure in the line for problems, or clears that line with null. Opens the top-up where credit is missing. */
export function showProblem(error: unknown): void {
  const line = find("problem");
  line.hidden = error === null;
  setText(line, error === null ? "" : problemText(error));
  if (error instanceof RequestProblem && error.problem.code === "insufficient_credit") openTopUp();
}

/** Opens the amounts to top up: the credit has run out. */
export function openTopUp(): void {
  const details = document.querySelector<HTMLDetailsElement>("#topup details");
  if (details) details.open = true;
}

/** Performs what a button is for: the button is disabled meanwhile, and a failure is shown. */
export async function perform(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<void> {
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

function showNavigation(session: Session | null): void {
  const ways = find("ways");
  if (session) {
    const [href, text] = [
      homeOf(session.role),
      session.role === "user" || session.role === "advisor" ? "Your chats" : "Running now",
    ];
    const here = location.pathname === root + href;
    ways.append(make("a", { href: root + href, ...(here && { "aria-current": "page" }) }, text));
  }
  if (isDemo) ways.append(make("a", { href: `${root}/` }, "Switch person"));
}

function showPanel(title: string, text: string): void {
  const content = find("content");
  content.hidden = true;
  if (document.getElementById("signed-out")) return;
  const subject = lastSubject();
  const next = encodeURIComponent(location.pathname.slice(root.length) + location.search);
  const links = isDemo
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
