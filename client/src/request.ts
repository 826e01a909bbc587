/** Calls of the HTTP surface: JSON in and out, what fails as a typed problem, repeats harmless. */

import type { Problem } from "./core/types.ts";

/** A call was refused or did not arrive; `problem.code` says why, `unreachable` when nobody answered. */
export class RequestProblem extends Error {
  override readonly name = "RequestProblem";
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

export type TokenSource = () => string | Promise<string>;

export interface RequestOptions {
  /** Sent as `Idempotency-Key`: the same key and body again gives the first answer. A POST gets a new one when absent. */
  key?: string;
  signal?: AbortSignal;
}

export type Request = <T>(
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
) => Promise<T>;

/** A function that calls `path` under `base` + "/v1" with the token, and answers the parsed document. */
export function requester(base: string, token: TokenSource): Request {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<T> => {
    const headers = new Headers({ authorization: `Bearer ${await token()}`, accept: "application/json" });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (method === "POST") headers.set("idempotency-key", options.key ?? identifier());
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (options.signal) init.signal = options.signal;
    const response = await fetch(`${base}/v1${path}`, init).catch((cause: unknown) => {
      throw new RequestProblem({
        title: "The service can't be reached",
        status: 0,
        code: "unreachable",
        detail: String(cause),
      });
    });
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer as T;
    throw new RequestProblem(problem(answer, response));
  };
}

/** A new random id; works on pages without https too, where `crypto.randomUUID` does not exist. */
export function identifier(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The problem in an answer; proxies answer without one, so there is always a title, a status and a code. */
function problem(answer: unknown, response: Response): Problem {
  const given = typeof answer === "object" ? answer : null;
  return {
    title: response.statusText || "The call failed",
    code: "unknown",
    ...given,
    status: response.status,
  };
}
