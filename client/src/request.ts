/** Requests to the HTTP interface: JSON in and out, failures as typed problems, idempotency keys. */

import type { Problem } from "./core/types.ts";

/** A request was refused or not answered; `problem.code` says why, and is `unreachable` when there was no answer. */
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
  /** The `Idempotency-Key`: a repeat with the same key and body gets the first answer. A POST has a new key when absent. */
  key?: string;
  signal?: AbortSignal;
}

export type Request = <T>(
  method: string,
  path: string,
  body?: unknown,
  options?: RequestOptions,
) => Promise<T>;

/** A function that requests `path` under `base` + "/v1" with the token, and returns the parsed document. */
export function requester(base: string, token: TokenSource): Request {
  return async <T>(
    method: string,
    path: string,
    body?: unknown,
    options: RequestOptions = {},
  ): Promise<T> => {
    const headers = new Headers({ authorization: `Bearer ${await token()}`, accept: "application/json" });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (method === "POST") headers.set("idempotency-key", options.key ?? randomId());
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
    throw new RequestProblem(problemOf(answer, response));
  };
}

/**
 * An id as a part of an address. A browser removes the parts "." and ".." from an address, so a mark that no id may contain
 * stands before them; the service removes the mark.
 */
export function encodeId(id: string): string {
  return id === "." || id === ".." ? `%EF%B7%90${id}` : encodeURIComponent(id);
}

/** A random id. Pages without HTTPS have no `crypto.randomUUID`. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The problem document of an answer. A proxy may answer without one, so title, status and code have defaults. */
function problemOf(answer: unknown, response: Response): Problem {
  const document = typeof answer === "object" ? answer : null;
  return {
    title: response.statusText || "The call failed",
    code: "unknown",
    ...document,
    status: response.status,
  };
}
