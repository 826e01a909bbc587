import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonical, fingerprint } from "../../src/core/fingerprint.ts";
import { sha256 } from "../../src/core/sha256.ts";

function expected(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("the digest is right for every length around a block's end", () => {
  for (let length = 0; length <= 200; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) % 256);
    expect(sha256(bytes)).toBe(expected(bytes));
  }
});

test("the digest is right for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => sha256(bytes) === expected(bytes)));
});

test("the fingerprint of a document is the digest of its text", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.dictionary(text, fc.jsonValue({ stringUnit: "binary" })), (document) => {
      const { fingerprint: _, ...rest } = document;
      return fingerprint(document) === expected(new TextEncoder().encode(canonical(rest)));
    }),
  );
});

test("fields are in the order of their code points, and are written without spaces", () => {
  const document = { b: [1, { y: null, x: "é" }], a: true, "\uffff": 1, "\u{1f600}": 2, ab: 0.5 };
  expect(canonical(document)).toBe('{"a":true,"ab":0.5,"b":[1,{"x":"é","y":null}],"\uffff":1,"\u{1f600}":2}');
});

test("half of a surrogate pair is written without an escape", () => {
  expect(canonical(["\ud83d", "\\ud83d", "\u{1f600}"])).toBe('["\ud83d","\\\\ud83d","\u{1f600}"]');
});
