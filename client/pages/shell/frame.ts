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

/** A failure that a person may not have read yet, in ms. */
const PROBLEM_READ_MS = 3000;

let problemSince = 0;
/** The failure that the line for problems shows. */
let shownProblem: unknown = null;
let clearing: ReturnType<typeof setTimeout> | undefined;

/** Removes a failure as soon as it has been shown for a while: the facts have changed since. */
export function clearOldProblem(): void {
  const leftMs = problemSince + PROBLEM_READ_MS - performance.now();
  clearTimeout(clearing);
  if (leftMs > 0) clearing = setTimeout(clearOldProblem, leftMs);
  else find("problem").hidden = true;
}

/** Shows a failure in the line for problems, or clears that line with null. Opens the top-up where credit is missing. */
export function showProblem(error: unknown): void {
  showLoaded();
  tell(error === null ? null : problemText(error));
  shownProblem = error;
  if (error instanceof RequestProblem && error.problem.code === "insufficient_credit") openTopUp();
}

/** Shows a text in the line for problems, or clears that line with null. */
export function tell(text: string | null): void {
  const line = find("problem");
  line.hidden = text === null;
  problemSince = performance.now();
  // What has changed before this text does not remove it.
  clearTimeout(clearing);
  shownProblem = null;
  setText(line, text ?? "");
}

/** Removes this failure, and not another one that is shown instead. */
export function clearProblem(error: unknown): void {
  if (error !== null && shownProblem === error) showProblem(null);
}

/** Opens the amounts to top up because the credit has run out, or closes them. */
export function openTopUp(open = true): void {
  const details = document.querySelector<HTMLDetailsElement>("#topup details");
  if (details) details.open = open;
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

/** To the person's own page, or to sign in. Only the demo signs people in by itself. */
function waysOut(): HTMLElement[] {
  const session = readSession();
  const first = session ? button(homeOf(session.role), homeText(session.role)) : isDemo && signInAgain();
  if (!isDemo) return first ? [first] : [make("span", { class: "quiet" }, say("goBackToSite"))];
  const others = button("/", say("chooseWhoToBe"));
  const buttons = first ? [first, others] : [others];
  buttons[0]?.classList.add("primary");
  return buttons;
}

/** Signs the last person of this tab in again, and leads back to this page; null where there was nobody. */
function signInAgain(): HTMLElement | null {
  const subject = lastSubject();
  if (subject === null) return null;
  const next = encodeURIComponent(location.pathname.slice(root.length) + location.search);
  return button(`/demo/as/${encodeURIComponent(subject)}?next=${next}`, say("signInAgain"));
}

function button(page: string, text: string): HTMLElement {
  return make("a", { class: "button", href: root + page }, text);
}

/** The name of a role's first page. */
function homeText(role: Role): string {
  return say(role === "user" || role === "advisor" ? "yourChats" : "runningNow");
}

function showNavigation(session: Session | null): void {
  const ways = find("ways");
  if (session) {
    ways.append(way(homeOf(session.role), homeText(session.role)));
    if (session.role === "user") ways.append(way("/account", say("account")));
    else if (session.role === "advisor") ways.append(way("/advisor/statement", say("statement")));
    else ways.append(way("/operator/find", say("find")), way("/operator/books", say("books")));
  }
  if (isDemo) ways.append(make("a", { href: `${root}/` }, say("switchPerson")));
}

/** Shows a panel instead of the content: why there is nothing to see, and where to go. */
export function showPanel(title: string, text: string): void {
  showLoaded();
  const content = find("content");
  content.hidden = true;
  if (document.getElementById("signed-out")) return;
  content.after(
    make(
      "section",
      { class: "card narrow", id: "signed-out" },
      make("h1", {}, title),
      make("p", {}, text),
      make("p", { class: "actions" }, ...waysOut()),
    ),
  );
}
