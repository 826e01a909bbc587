/** Requests to the service with the token of this tab, and the documents that only pages use. */

import type { components } from "../../src/core/generated.ts";
import type { Offer, Problem } from "../../src/core/types.ts";
import { encodeId, RequestProblem, requester } from "../../src/request.ts";
import { conflictText } from "../../src/talk/conflict.ts";
import { languageOfPage, say, talkWords } from "../texts/language.ts";
import { money } from "../texts/words.ts";
import { type Role, readSession, removeToken } from "./session.ts";

export type Documents = components["schemas"];

/** The path under which the service is mounted: "", or a path such as "/talktime". */
export const root = document.documentElement.dataset.root ?? "";

export type ChatSummary = Documents["ChatSummary"];
export type RecordSummary = Documents["RecordSummary"];
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
  return parts.reduce((whole, part, index) => whole + encodeId(ids[index - 1] ?? "") + part);
}

/** Goes to a page of the service. */
export function goTo(page: string): void {
  location.assign(root + page);
}

/**
 * What a record that the user begins with the advisor now would cost; null where the two have an active record, which goes
 * on at its own price.
 */
export async function offerOf(user: string, advisor: string): Promise<Offer | null> {
  try {
    return await request<Offer>("GET", path`/users/${user}/offers/${advisor}`);
  } catch (error) {
    if (error instanceof RequestProblem && error.problem.status === 409) return null;
    throw error;
  }
}

/** All chats of the user or the advisor of a chat, as the viewer's role may read them, the newest first. */
export async function chatsOf(
  viewer: Role,
  chat: { user_id: string; advisor_id: string },
): Promise<ChatSummary[]> {
  const list =
    viewer === "advisor" ? path`/advisors/${chat.advisor_id}/chats` : path`/users/${chat.user_id}/chats`;
  return (await request<{ chats: ChatSummary[] }>("GET", list)).chats;
}

/** The chats of a pair among `chats`, the oldest first. */
export function ofPair(
  chats: readonly ChatSummary[],
  pair: { user_id: string; advisor_id: string },
): ChatSummary[] {
  return chats
    .filter((row) => row.user_id === pair.user_id && row.advisor_id === pair.advisor_id)
    .sort((a, b) => a.number - b.number);
}

/**
 * A warning before credit is given to a user who has a conversation that waits for credit, or is taken from a user who has
 * a conversation that runs; "" for others.
 */
export async function effectOnConversations(userId: string, givesCredit: boolean): Promise<string> {
  const { chats } = await request<{ chats: ChatSummary[] }>("GET", path`/users/${userId}/chats`);
  const now = chats.filter(({ current }) => current);
  if (givesCredit) return now.some(({ reason }) => reason === "out_of_credit") ? say("mayGoOn") : "";
  return now.some(({ state }) => state === "running") ? say("mayEndSooner") : "";
}

/** A failure in words for a person. */
export function problemText(error: unknown): string {
  if (!(error instanceof RequestProblem)) return say("wentWrong");
  const { status, code } = error.problem;
  const words = talkWords();
  // Only the person who pays can top up.
  if (code === "insufficient_credit" && readSession()?.role === "user") return words.notEnoughCredit;
  if (status === 0) return words.unreachable;
  if (status === 401) return words.signedOut;
  if (status === 404) return words.notFound;
  if (status === 429) return words.tooMany;
  if (status >= 500) return say("serverProblem");
  if (status === 409) {
    const conflict = conflictInWords(error.problem);
    if (conflict !== null) return conflict;
  }
  // The service refuses in English.
  return languageOfPage() === "en" ? error.message : words.refused;
}

/** What is in the way, and what the person can do; null where only the service's own words say that. */
function conflictInWords(problem: Problem): string | null {
  const role = readSession()?.role ?? "user";
  const isPerson = role === "user" || role === "advisor";
  // An operator reads English and knows the service's words.
  if (!isPerson && languageOfPage() === "en") return null;
  if (typeof problem.refundable === "string")
    return say("canBeGivenBack", { amount: money(problem.refundable) });
  return conflictText(problem, isPerson ? role : "operator", talkWords());
}
