import { readdirSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { bundle, ENTRIES } from "./bundle.ts";

const here = import.meta.dirname;
const out = join(here, "../src/talktime/service/pages/static");

const files = readdirSync(join(here, "pages"), { recursive: true, encoding: "utf8" });

/** Each page has a folder of its own, its address has none: `pages/chat/chat.ts` is served as `pages/chat.js`. */
const entries = files
  .filter((file) => basename(file) === `${dirname(file)}.ts`)
  .map((file) => [`pages/${dirname(file)}`, join(here, "pages", file)]);

/** Style sheets import nothing, so they are copied, and keep their file names. */
const styles: Plugin = {
  name: "page-styles",
  async writeBundle() {
    await mkdir(join(out, "pages"), { recursive: true });
    for (const file of files.filter((file) => file.endsWith(".css")))
      await copyFile(join(here, "pages", file), join(out, "pages", basename(file)));
  },
};

/** What other sites load: each is one file that loads no other. */
const library: Plugin = {
  name: "library",
  async writeBundle() {
    for (const name of ["index", "talk-chat", "receipt"] as const)
      await writeFile(join(out, ENTRIES[name]), await bundle(name));
  },
};

export default defineConfig({
  // A busy machine must not fail a test that is right.
  test: { testTimeout: 60_000 },
  plugins: [styles, library],
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: Object.fromEntries(entries),
      output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" },
    },
  },
});
