/** The frame of every page: the links in its header, and a panel instead of the content when nobody is signed in. */

import { RequestProblem, randomId } from "../../src/request.ts";
import { say, type Word } from "../texts/language.ts";
import { isDemo } from "./demo.ts";
import { find, make, setText } from "./dom.ts";
import { answerNewTabs, askOpener } from "./handover.ts";
import { problemText, root } from "./service.ts";
import { homeOf, lastSubject, type Role, readSession, type Session, storeSession } from "./session.ts";

const WRONG_PERSON: Record<Role, Word> = {
  user: "wrongPersonUser",
  advisor: "wrongPersonAdvisor",
  operator: "wrongPersonOperator",
  service: "wrongPersonOperator",
};

/**
 * Shows the page to a person who may see it. Returns the session, or null after showing a panel that says how to sign in.
 * A token of the role `service` may see what an operator sees.
 */
export async function openPage(...roles: Role[]): Promise<Session | null> {
  const session = readSession() ?? (await adoptSession());
  window.addEventListener("signedout", () => {
    showPanel(say("signedOutTitle"), say("signedOutText"));
  });
  showNavigation(session);
  if (!session) {
    showPanel(say("notSignedInTitle"), say("notSignedInText"));
    return null;
  }
  if (!roles.includes(session.role === "service" ? "operator" : session.role)) {
    showPanel(say("wrongPersonTitle"), say(WRONG_PERSON[session.role]));
    return null;
  }
  answerNewTabs();
  return session;
}

/** Takes over the session of the tab from which this tab was opened, if there is such a tab. */
async function adoptSession(): Promise<Session | null> {
  // A tab that was signed in before asks nobody: its person has to sign in again.
  const session = lastSubject() === null ? await askOpener(randomId()) : null;
  if (session) storeSession(session);
  return session;
}

/** Removes the line that says that the page is loading. */
export function showLoaded(): void {
  document.getElementById("loading")?.remove();
}

/** Shows a failure in the line for problems, or clears that line with null. Opens the top-up where credit is missing. */
export function showProblem(error: unknown): void {
  showLoaded();
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

/** Performs what a button is for: the button does nothing else meanwhile, and a failure is shown. */
export async function perform(button: HTMLButtonElement, work: () => Promise<unknown>): Promise<void> {
  if (button.ariaDisabled === "true") return;
  // A button that is really disabled would lose the focus.
  button.ariaDisabled = "true";
  try {
    showProblem(null);
    await work();
  } catch (error) {
    showProblem(error);
  } finally {
    button.ariaDisabled = null;
  }
}

function way(page: string, text: string): HTMLElement {
  const isHere = location.pathname === root + page;
  return make("a", { href: root + page, ...(isHere && { "aria-current": "page" }) }, text);
}

function showNavigation(session: Session | null): void {
  const ways = find("ways");
  if (session) {
    const isPerson = session.role === "user" || session.role === "advisor";
    ways.append(way(homeOf(session.role), say(isPerson ? "yourChats" : "runningNow")));
    if (!isPerson) ways.append(way("/operator/find", say("find")), way("/operator/books", say("books")));
    if (session.role === "user") ways.append(way("/account", say("account")));
    if (session.role === "advisor")
      ways.append(way("/earnings", say("account")), way("/advisor/statement", say("statement")));
  }
  if (isDemo) ways.append(make("a", { href: `${root}/` }, say("switchPerson")));
}

/** Shows a panel instead of the content: why there is nothing to see, and where to go. */
export function showPanel(title: string, text: string): void {
  showLoaded();
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
              say("signInAgain"),
            )
          : null,
        make("a", { class: subject ? "button" : "button primary", href: `${root}/` }, say("chooseWhoToBe")),
      ]
    : [make("span", { class: "quiet" }, say("goBackToSite"))];
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
