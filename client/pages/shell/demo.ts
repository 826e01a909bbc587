/** What only the demo has: people to sign in as, advisors to talk to, credit without a payment. */

import { RequestProblem } from "../../src/request.ts";
import { type Advisor, root, token } from "./service.ts";
import type { Session } from "./session.ts";

/** Whether this is the demo. */
export const isDemo = document.documentElement.dataset.demo !== undefined;

export function signInAs(person: string): Promise<Session> {
  return call("POST", `/tokens/${encodeURIComponent(person)}`);
}

export async function demoAdvisors(): Promise<Advisor[]> {
  const { advisors } = await call<{ advisors: Advisor[] }>("GET", "/advisors");
  return advisors;
}

/** Adds credit to the account of the user who is signed in. */
export function topUp(amount: string): Promise<unknown> {
  return call("POST", "/topup", { amount });
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const headers = new Headers({ accept: "application/json" });
  if (token()) headers.set("authorization", `Bearer ${token()}`);
  if (body) headers.set("content-type", "application/json");
  const init: RequestInit = body ? { method, headers, body: JSON.stringify(body) } : { method, headers };
  const answer = await fetch(`${root}/demo${path}`, init).catch(() => null);
  const document: unknown = await answer?.json().catch(() => null);
  if (answer?.ok) return document as T;
  throw new RequestProblem({
    title: "The call failed",
    code: "unreachable",
    ...(document as object),
    status: answer?.status ?? 0,
  });
}
