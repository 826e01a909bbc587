/** Requests to the service with the token of this tab, and the documents that only pages use. */

import type { components } from "../../src/core/generated.ts";
import { RequestProblem, requester } from "../../src/request.ts";
import { type Role, readSession, removeToken } from "./session.ts";

export type Documents = components["schemas"];

/** The path under which the service is mounted: "", or a path such as "/talktime". */
export const root = document.documentElement.dataset.root ?? "";

export type ChatSummary = Documents["ChatSummary"];
export type Account = Documents["Account"];
export type Advisor = Documents["Advisor"];

const send = requester(root, token);

/** The token of this tab; "" when there is none, which the service refuses like a wrong token. */
export function token(): string {
  return readSession()?.token ?? "";
}

/**
 * One request under /v1. With `key`, a repeat gets the first answer.
 *
 * @throws RequestProblem when the request is refused. A 401 also signs out.
 */
export async function request<T>(
  method: "GET" | "POST",
  path: string,
  body?: object,
  key?: string,
): Promise<T> {
  return noticeSignOut(send<T>(method, path, body, key === undefined ? {} : { key }));
}

/** Waits for an answer, and signs out where the token is no longer valid. */
export async function noticeSignOut<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    if (error instanceof RequestProblem && error.problem.status === 401) signOut();
    throw error;
  });
}

/** Removes a token that the service refuses; the page then shows how to sign in. */
export function signOut(): void {
  removeToken();
  window.dispatchEvent(new Event("signedout"));
}

/** A path with its ids encoded: path`/chats/${id}`. */
export function path(parts: TemplateStringsArray, ...ids: string[]): string {
  return parts.reduce((whole, part, index) => whole + encodeURIComponent(ids[index - 1] ?? "") + part);
}

/** Goes to a page of the service. */
export function goTo(page: string): void {
  location.assign(root + page);
}

/** The chats of a pair, the oldest first, as the viewer's role may read them. */
export async function pairChats(
  viewer: Role,
  chat: { user_id: string; advisor_id: string },
): Promise<ChatSummary[]> {
  const list =
    viewer === "advisor" ? path`/advisors/${chat.advisor_id}/chats` : path`/users/${chat.user_id}/chats`;
  const { chats } = await request<{ chats: ChatSummary[] }>("GET", list);
  return chats
    .filter((row) => row.user_id === chat.user_id && row.advisor_id === chat.advisor_id)
    .sort((a, b) => a.number - b.number);
}

/** A failure in words for a person. */
export function problemText(error: unknown): string {
  if (!(error instanceof RequestProblem)) return "Something went wrong. Try again.";
  const { status, code } = error.problem;
  if (code === "insufficient_credit") return "There isn’t enough credit for that. Top up and try again.";
  if (status === 0) return "The service can’t be reached just now. Try again in a moment.";
  if (status === 401) return "You are signed out.";
  if (status === 404) return "That isn’t here, or it isn’t yours.";
  if (status === 429) return "That was a lot at once. Wait a moment and try again.";
  if (status >= 500) return "The service has a problem just now. Try again in a moment.";
  return error.message;
}
