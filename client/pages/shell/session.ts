/**
 * Who this tab is.
 *
 * The token lives in sessionStorage alone, never in an address or a cookie, so that a user and an advisor can sit side by
 * side in one browser.
 */

export type Role = "user" | "advisor" | "operator" | "service";

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

export function keepSession(session: Session): void {
  for (const field of FIELDS) sessionStorage.setItem(`talktime.${field}`, session[field]);
}

export function forgetToken(): void {
  // Role and subject stay: they say whom to become again.
  sessionStorage.removeItem("talktime.token");
}

/** Role and subject of the token that ran out, for "sign in again". */
export function lastSubject(): string | null {
  return sessionStorage.getItem("talktime.subject");
}

/** Where a role starts. */
export function home(role: Role): string {
  return role === "service" ? "/operator" : `/${role}`;
}
