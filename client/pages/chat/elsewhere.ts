/** Tells of other conversations of the same person whose time runs meanwhile, with a link to each. */

import type { Viewer } from "../../src/talk/acts.ts";
import { stateOf, waitsForAdvisor } from "../shell/chat-row.ts";
import { find, make } from "../shell/dom.ts";
import type { Call } from "../shell/ring.ts";
import { type ChatSummary, goTo, path, root } from "../shell/service.ts";
import { say, sentence, type Word } from "../texts/language.ts";

/** Shows the chats among `chats` that run, or call or wait for an advisor, and are of another pair than `here`. Returns such a call. */
export function showElsewhere(
  viewer: Viewer,
  here: { user_id: string; advisor_id: string },
  chats: readonly ChatSummary[],
): Call | null {
  const isCall = (chat: ChatSummary) => viewer === "advisor" && stateOf(chat) === "requested";
  const isWaiting = (chat: ChatSummary) => viewer === "advisor" && waitsForAdvisor(chat);
  const others = chats.filter(
    (chat) =>
      (stateOf(chat) === "running" || isCall(chat) || isWaiting(chat)) &&
      (chat.user_id !== here.user_id || chat.advisor_id !== here.advisor_id),
  );
  const list = find("elsewhere");
  list.hidden = viewer === "operator" || others.length === 0;
  const key = others.map(({ id, state }) => `${id} ${state}`).join();
  if (list.dataset.key !== key)
    list.replaceChildren(
      ...others.map((chat) =>
        line(viewer, chat, isCall(chat) ? "isCalling" : isWaiting(chat) ? "isWaiting" : "yourTimeRunsToo"),
      ),
    );
  list.dataset.key = key;
  const call = others.find(isCall);
  return call ? { chatId: call.id, name: call.user_name, open: () => goTo(path`/chat/${call.id}`) } : null;
}

function line(viewer: Viewer, chat: ChatSummary, what: Word): HTMLElement {
  const name = make("bdi", {}, viewer === "user" ? chat.advisor_name : chat.user_name);
  const link = make("a", { href: root + path`/chat/${chat.id}` }, say("goThere"));
  return make("p", {}, ...sentence(what, { name }), what === "yourTimeRunsToo" ? " " : ". ", link);
}
