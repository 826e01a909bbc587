/** Calls of the service with the tab's token, and the shapes they answer that no screen's clock needs. */

import type { Credits, Instant, Reason, Tariff } from "../../src/core/types.ts";
import { RequestProblem, requester } from "../../src/request.ts";
import { forgetToken, readSession } from "./session.ts";

/** Where the service is mounted: "" or "/below". */
export const root = document.documentElement.dataset.root ?? "";

export interface ChatSummary {
  id: string;
  user_id: string;
  user_name: string;
  advisor_id: string;
  advisor_name: string;
  duration_ms: number;
  state: "running" | "paused" | "ended" | null;
  reason: Reason | null;
  record_id: string | null;
  /** Whether the chat's latest record points to this chat. */
  current: boolean;
  created_at: Instant;
  last_message: string | null;
  /** The advisor's part of the record's cost by now, in an advisor's own list. */
  earned?: Credits;
  /** Which of the pair's chats it is, from 1, in the order in which they were begun. */
  number: number;
}

export interface Account {
  balance: Credits;
  committed: Credits;
  available: Credits;
  /** What of the balance was given, not bought. */
  gift: Credits;
  next_expiry: { amount: Credits; expires_at: Instant } | null;
}

export interface Advisor {
  id: string;
  display_name: string;
  tariff: Tariff;
  tariff_version?: number;
}

const request = requester(root, token);

/** The tab's token; "" when there is none, which the service answers like a wrong one. */
export function token(): string {
  return readSession()?.token ?? "";
}

/**
 * One call under /v1; with `key`, the same call again gives the first answer.
 *
 * @throws RequestProblem. A 401 also drops the token and shows the way to sign in.
 */
export async function ask<T>(method: "GET" | "POST", path: string, body?: object, key?: string): Promise<T> {
  return signedIn(request<T>(method, path, body, key === undefined ? {} : { key }));
}

/** Wait for a call; if the token has run out, say so to the page. */
export async function signedIn<T>(call: Promise<T>): Promise<T> {
  return call.catch((error: unknown) => {
    if (error instanceof RequestProblem && error.problem.status === 401) signOut();
    throw error;
  });
}

/** Forget a token that the service no longer takes; the frame shows the way back. */
export function signOut(): void {
  forgetToken();
  window.dispatchEvent(new Event("signedout"));
}

/** A path with its ids made safe: path`/chats/${id}`. */
export function path(parts: TemplateStringsArray, ...ids: string[]): string {
  return parts.reduce((whole, part, index) => whole + encodeURIComponent(ids[index - 1] ?? "") + part);
}

/** Go to a page of ours. */
export function visit(page: string): void {
  location.assign(root + page);
}

/** What went wrong, in a person's words. */
export function inWords(error: unknown): string {
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
