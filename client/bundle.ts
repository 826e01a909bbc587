/** Bundles an entry of `src/` into one ES module without imports, for the service and for the package. */

import { join } from "node:path";
import { build } from "vite";

/** The modules that hosts import: each entry of `src/`, and the name of its file. */
export const ENTRIES = {
  index: "talktime.js",
  "talk-chat": "talk-chat.js",
  core: "core.js",
  receipt: "receipt.js",
} as const;

export type Entry = keyof typeof ENTRIES;

/** The code of `src/{name}.ts` and of everything that it imports. */
export async function bundle(name: Entry): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    publicDir: false,
    build: {
      write: false,
      target: "es2022",
      modulePreload: false,
      rollupOptions: {
        input: join(import.meta.dirname, `src/${name}.ts`),
        preserveEntrySignatures: "strict",
      },
    },
  });
  if (!("output" in result)) throw new Error(`${name}: the build watches instead of ending`);
  const [module, ...others] = result.output;
  if (module.type !== "chunk" || others.length > 0) throw new Error(`${name} is more than one module`);
  return module.code;
}
