/**
 * A tab that was opened from a tab is signed in as its opener.
 *
 * A browser gives a tab that was opened by ctrl-click, middle click or a menu an empty sessionStorage. So the new tab asks
 * the other tabs of this origin, over a BroadcastChannel. Only the tab in which the link to this very page was pressed a
 * moment before answers, and only once. The token goes through no address and no cookie.
 *
 * A user and an advisor may sit side by side in one browser, with links to the same page. So the tab in which a link is
 * pressed tells the others, and they forget that it was pressed in them: the last tab alone can have opened the page.
 */

import { readSession, type Session } from "./session.ts";

/** How long after a click its new tab may ask. A menu stays open for a while. */
const CLICK_MS = 10_000;
const MENU_MS = 60_000;

/** How long a new tab waits for an answer. */
const ANSWER_MS = 400;

interface Question {
  page: string;
  asker: string;
}

/** The link to this page was pressed in the tab that says so. */
interface Pressed {
  pressed: string;
}

interface Answer {
  asker: string;
  session: Session;
}

/** Answers the tabs that are opened from this tab. */
export function answerNewTabs(): void {
  const opened = new Map<string, number>();
  const channel = openChannel();
  const note = (event: MouseEvent, ms: number): void => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link?.href || link.origin !== location.origin) return;
    opened.set(link.href, performance.now() + ms);
    channel?.postMessage({ pressed: link.href } satisfies Pressed);
  };
  addEventListener("click", (event) => note(event, CLICK_MS), { capture: true });
  addEventListener("auxclick", (event) => note(event, CLICK_MS), { capture: true });
  addEventListener("contextmenu", (event) => note(event, MENU_MS), { capture: true });
  channel?.addEventListener("message", ({ data }: MessageEvent<Question | Pressed>) => {
    if ("pressed" in data) opened.delete(data.pressed);
    if (!("page" in data)) return;
    const session = readSession();
    const until = opened.get(data.page) ?? 0;
    if (!session || performance.now() > until) return;
    opened.delete(data.page);
    channel.postMessage({ asker: data.asker, session } satisfies Answer);
  });
}

/** The session of the tab from which this tab was opened; null where no tab answers. */
export function askOpener(asker: string): Promise<Session | null> {
  const channel = openChannel();
  if (!channel) return Promise.resolve(null);
  return new Promise((resolve) => {
    const end = (session: Session | null): void => {
      clearTimeout(timer);
      channel.close();
      resolve(session);
    };
    const timer = setTimeout(() => end(null), ANSWER_MS);
    channel.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      if ("session" in data && data.asker === asker) end(data.session);
    });
    channel.postMessage({ page: location.href, asker } satisfies Question);
  });
}

function openChannel(): BroadcastChannel | null {
  return "BroadcastChannel" in window ? new BroadcastChannel("talktime.session") : null;
}
