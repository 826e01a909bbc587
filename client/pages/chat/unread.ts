/** What the person has read: the service is told, and the title counts what came while the page was hidden. */

import type { Chat } from "../../src/chat.ts";
import type { Message, Party } from "../../src/core/types.ts";
import { path, request } from "../shell/service.ts";

export interface Unread {
  /** Sets the title of the page, behind the number of unread messages. */
  setTitle(title: string): void;
  /** Everything up to this position is on the page. */
  show(position: number): void;
}

/** Counts for a party. Someone who only looks on, with `party` null, reads for nobody. */
export function countUnread(chat: Chat, party: Party | null): Unread {
  let title = document.title;
  let count = 0;
  let newest = 0;
  let noted = 0;

  const showTitle = (): void => {
    document.title = count > 0 ? `(${count}) ${title}` : title;
  };
  const note = (): void => {
    if (document.hidden) return;
    count = 0;
    showTitle();
    if (party === null || newest <= noted) return;
    noted = newest;
    // Where the service can't be told now, the next message or visit tells it.
    request("POST", path`/chats/${chat.id}/read`, { position: newest }).catch(() => {
      noted = 0;
    });
  };

  chat.onMessage((message: Message) => {
    if (message.position <= newest) return;
    newest = message.position;
    if (document.hidden && message.sender !== party) count += 1;
    showTitle();
    note();
  });
  document.addEventListener("visibilitychange", note);
  return {
    setTitle: (text) => {
      title = text;
      showTitle();
    },
    show: (position) => {
      newest = Math.max(newest, position);
      note();
    },
  };
}
