/**
 * Who is signed in, in this tab.
 *
 * The token is kept in sessionStorage alone, never in an address or a cookie. So a user and an advisor can be signed in
 * side by side in one browser.
 */

import type { Role } from "../../src/core/types.ts";

export type { Role };

export interface Session {
  token: string;
  role: Role;
  subject: string;
}

const FIELDS = ["token", "role", "subject"] as const;

export function readSession(): Session | null {
  const [token, role, subject] = FIELDS.map((field) => sessionStorage.getItem(`talktime.${field}`));
  return token && role && subject ? { token, role: role as Role, subject } : null;
}

export function storeSession(session: Session): void {
  for (const field of FIELDS) sessionStorage.setItem(`talktime.${field}`, session[field]);
}

export function removeToken(): void {
  // Role and subject stay, so that the person can sign in again.
  sessionStorage.removeItem("talktime.token");
}

/** The person whose token is no longer valid, for "Sign in again"; null when nobody was signed in. */
export function lastSubject(): string | null {
  return sessionStorage.getItem("talktime.subject");
}

/** The first page of a role. */
export function homeOf(role: Role): string {
  return role === "service" ? "/operator" : `/${role}`;
}

/** The address of a page of the service, if `page` is one. "//elsewhere" and "/\\elsewhere" are not, and no page has a path like "/.//elsewhere". */
export function ownPage(page: string): string | null {
  if (!page.startsWith("/")) return null;
  const root = document.documentElement.dataset.root ?? "";
  const address = new URL(root + page, location.href);
  return address.origin === location.origin && !address.pathname.includes("//") ? address.href : null;
}
