/** The fingerprint of a document: the twin of the service's `fingerprint.py`. */

import { sha256 } from "./sha256.ts";

/**
 * SHA-256, in hex, of a JSON document without its own `fingerprint`: fields in order, no spaces, UTF-8.
 *
 * It finds every change. It is no signature, since a forger can compute it as well: compare it with a fingerprint that
 * you received in another way.
 */
export function fingerprint(document: object): string {
  const { fingerprint: _, ...rest } = document as Record<string, unknown>;
  return sha256(utf8(canonical(rest)));
}

/** JSON with its fields in order and without spaces: the same value is always the same text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return json(value);
  const fields = Object.entries(value).sort(([one], [other]) => compare(one, other));
  return `{${fields.map(([name, field]) => `${json(name)}:${canonical(field)}`).join(",")}}`;
}

/** `JSON.stringify` escapes half of a surrogate pair; the service writes it without an escape. */
function json(value: unknown): string {
  return JSON.stringify(value).replace(/\\\\|\\u(d[89a-f]..)/g, (escaped, code?: string) =>
    code === undefined ? escaped : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

const SURROGATE = /[\ud800-\udfff]/;

/** The order of Python: by code point. JavaScript compares the halves of a surrogate pair one by one. */
function compare(one: string, other: string): number {
  if (!SURROGATE.test(one + other)) return one < other ? -1 : 1;
  const [ones, others] = [points(one), points(other)];
  const place = ones.findIndex((point, index) => point !== others[index]);
  return place < 0 ? ones.length - others.length : (ones[place] ?? 0) - (others[place] ?? -1);
}

function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const point of points(text)) {
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), rest(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), rest(point >> 6), rest(point));
    else bytes.push(0xf0 | (point >> 18), rest(point >> 12), rest(point >> 6), rest(point));
  }
  return Uint8Array.from(bytes);
}

function rest(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

function points(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}
