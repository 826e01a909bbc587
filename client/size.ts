/** Prints what a browser loads, compressed, and fails when it is more than was promised. */

import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const PROMISED_BYTES = { core: 2000, talktime: 10_000 };

const sources = {
  core: `export * from "./src/clock.ts"; export * from "./src/meter.ts"; export * from "./src/price.ts";`,
  talktime: `export * from "./src/index.ts";`,
};

for (const [name, source] of Object.entries(sources)) {
  const id = join(import.meta.dirname, `${name}.entry.ts`);
  const result = await build({
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "entry",
        resolveId: (asked) => (asked === id ? id : null),
        load: (asked) => (asked === id ? source : null),
      },
    ],
    build: {
      write: false,
      target: "es2022",
      rollupOptions: { input: id, preserveEntrySignatures: "strict" },
    },
  });
  const [chunk] = "output" in result ? result.output : [];
  if (chunk?.type !== "chunk") throw new Error(`nothing was built for ${name}`);
  const bytes = gzipSync(chunk.code, { level: 9 }).length;
  const most = PROMISED_BYTES[name as keyof typeof PROMISED_BYTES];
  process.stdout.write(`${name.padEnd(9)} ${bytes} bytes compressed, at most ${most}\n`);
  if (bytes > most) process.exitCode = 1;
}
