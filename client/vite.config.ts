import { readdirSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const here = import.meta.dirname;
const pages = readdirSync(join(here, "pages"));
const out = join(here, "../src/talktime/pages/static");

/** Styles of pages keep their own names; they import nothing, so copying is all there is to do. */
const styles: Plugin = {
  name: "page-styles",
  async writeBundle() {
    await mkdir(join(out, "pages"), { recursive: true });
    for (const name of pages.filter((name) => name.endsWith(".css")))
      await copyFile(join(here, "pages", name), join(out, "pages", name));
  },
};

const scripts = pages.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const entries = scripts.map((name) => `pages/${name.slice(0, -".ts".length)}`);

export default defineConfig({
  plugins: [styles],
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: {
        talktime: join(here, "src/index.ts"),
        ...Object.fromEntries(entries.map((name) => [name, join(here, `${name}.ts`)])),
      },
      // The library is an entry that others import from, so what it exports must survive.
      preserveEntrySignatures: "strict",
      output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" },
    },
  },
});
