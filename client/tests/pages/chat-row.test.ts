// @vitest-environment happy-dom
import "./dictionary.ts";
import { expect, test } from "vitest";
import { chatRow, nowAndEarlier, waitsForAdvisor } from "../../pages/shell/chat-row.ts";
import type { ChatSummary } from "../../pages/shell/service.ts";

type Facts = Pick<ChatSummary, "reason" | "presence" | "duration_ms">;

function chat({ reason, presence, duration_ms }: Facts): ChatSummary {
  return {
    id: "chat",
    user_id: "user",
    user_name: "Nora",
    advisor_id: "advisor",
    advisor_name: "Theo",
    duration_ms,
    state: "paused",
    reason,
    record_id: "record",
    current: true,
    presence,
    created_at: "2026-01-05T10:00:00.000Z",
    last_message: null,
    number: 1,
    unread: 0,
  } as ChatSummary;
}

const there = (user: boolean, advisor: boolean) => ({ user, advisor, until: null });

function badge(facts: Facts, viewer: "user" | "advisor"): string {
  return chatRow(chat(facts), viewer).querySelector(".badge")?.textContent ?? "";
}

test("a list names who is missing now, also where the other party left first", () => {
  const back = { reason: "user_away", presence: there(true, false), duration_ms: 60_000 } as const;
  expect(badge(back, "user")).toBe("advisor away");
  expect(badge(back, "advisor")).toBe("waiting for you");
  const gone = { reason: "advisor_away", presence: there(false, false), duration_ms: 0 } as const;
  expect(waitsForAdvisor(chat(gone))).toBe(false);
  expect(badge(gone, "advisor")).toBe("user away");
});

test("a node of an earlier version says of a record that never ran that the user waits", () => {
  const waits = { reason: "advisor_away", presence: null, duration_ms: 0 } as const;
  expect(waitsForAdvisor(chat(waits))).toBe(true);
  expect(waitsForAdvisor(chat({ ...waits, duration_ms: 60_000 }))).toBe(false);
});

test("a chat whose conversation goes on in another chat is not said to be over", () => {
  const facts = chat({ reason: null, presence: null, duration_ms: 60_000 });
  const of = (id: string, state: ChatSummary["state"], current: boolean) => ({
    ...facts,
    id,
    state,
    current,
  });
  const left = of("left", "running", false);
  expect(chatRow(left, "advisor").querySelector(".badge")?.textContent).toBe("in another chat");
  const all = [
    left,
    of("over", "ended", true),
    of("waits", "paused", true),
    of("runs", "running", true),
    of("new", null, true),
  ];
  const ids = nowAndEarlier(all).map((chats) => chats.map(({ id }) => id));
  expect(ids).toEqual([
    ["runs", "waits", "left"],
    ["over", "new"],
  ]);
});
