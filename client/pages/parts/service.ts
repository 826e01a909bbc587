/** Calls of the service's HTTP interface that belong to pages, not to a chat. */

import type { Tariff } from "./words";
import { forgetToken, readSession } from "./session";

/** Where the service is mounted: "" or "/below". */
export const root = document.documentElement.dataset["root"] ?? "";

/** A refusal of the service, as its problem document tells it; `status` 0 when it could not be reached. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface ChatRow {
  id: string;
  user_id?: string;
  user_name?: string;
  advisor_id?: string;
  advisor_name?: string;
  duration_ms: number;
  state: "running" | "paused" | "ended" | null;
  record_id: string | null;
  current: boolean;
  last_message?: { text: string; at: string } | string | null;
  created_at: string;
}

export interface Account {
  balance: string;
  committed: string;
  available: string;
}

export interface Advisor {
  id: string;
  display_name: string;
  tariff: Tariff;
  tariff_version?: number;
}

/**
 * One call with the tab's token. A POST carries a fresh idempotency key, so that the browser's own repeat is harmless.
 *
 * @throws Refusal — a 401 also drops the token and shows the way to sign in.
 */
export async function ask<T>(method: "GET" | "POST", path: string, body?: object): Promise<T> {
  const headers = new Headers({ accept: "application/json" });
  const session = readSession();
  if (session) headers.set("authorization", `Bearer ${session.token}`);
  if (method === "POST") {
    headers.set("content-type", "application/json");
    headers.set("idempotency-key", crypto.randomUUID());
  }
  const answer = await fetch(root + path, {
    method,
    headers,
    ...(method === "POST" && { body: JSON.stringify(body ?? {}) }),
  }).catch(() => {
    throw new Refusal(0, "unreachable", "The service can’t be reached just now.");
  });
  const document: unknown = await answer.json().catch(() => null);
  if (answer.ok) return document as T;
  const problem = (document ?? {}) as { code?: string; title?: string; detail?: string };
  const refusal = new Refusal(
    answer.status,
    problem.code ?? "unavailable",
    problem.detail ?? problem.title ?? "Something went wrong.",
  );
  if (answer.status === 401) {
    forgetToken();
    window.dispatchEvent(new Event("signedout"));
  }
  throw refusal;
}

/** A path with its ids made safe: path`/v1/chats/${id}`. */
export function path(parts: TemplateStringsArray, ...ids: string[]): string {
  return parts.reduce((whole, part, index) => whole + encodeURIComponent(ids[index - 1] ?? "") + part);
}

/** A refusal in a person's words. */
export function inWords(error: unknown): string {
  if (!(error instanceof Error)) return "Something went wrong.";
  if (!(error instanceof Refusal)) return error.message;
  if (error.code === "insufficient_credit") return "There isn’t enough credit for that. Top up and try again.";
  if (error.status === 404) return "That isn’t here, or it isn’t yours.";
  if (error.status === 429) return "That was a lot at once. Wait a moment and try again.";
  if (error.status >= 500) return "The service has a problem just now. Try again in a moment.";
  return error.message;
}
