/** The core is pure: `tsconfig.core.json` compiles it without a browser, and these tests check the rest. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const core = join(import.meta.dirname, "../../src/core");
const sources = readdirSync(core, { recursive: true, encoding: "utf8" }).map(
  (file) => [file, readFileSync(join(core, file), "utf8")] as const,
);

test.each(sources)("%s imports nothing from outside the core", (_, source) => {
  const imported = [...source.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(
    ([, from]) => from,
  );
  expect(imported.filter((from) => !/^\.\/[\w-]+\.ts$/.test(from ?? ""))).toEqual([]);
});

test.each(sources)("%s reads no clock and takes no random number", (_, source) => {
  expect(source).not.toMatch(/Date\.now|new Date\(\)|Math\.random/);
});
