import { readdirSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { bundle } from "./bundle.ts";

const here = import.meta.dirname;
const pages = readdirSync(join(here, "pages"));
const out = join(here, "../src/talktime/service/pages/static");

/** Styles of pages keep their own names; they import nothing, so copying is all there is to do. */
const styles: Plugin = {
  name: "page-styles",
  async writeBundle() {
    await mkdir(join(out, "pages"), { recursive: true });
    for (const name of pages.filter((name) => name.endsWith(".css")))
      await copyFile(join(here, "pages", name), join(out, "pages", name));
  },
};

/** Other sites load one file, and load nothing after it. */
const library: Plugin = {
  name: "library",
  async writeBundle() {
    await writeFile(join(out, "talktime.js"), await bundle("index"));
  },
};

const scripts = pages.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const entries = scripts.map((name) => `pages/${name.slice(0, -".ts".length)}`);

export default defineConfig({
  plugins: [styles, library],
  publicDir: false,
  build: {
    outDir: out,
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      input: Object.fromEntries(entries.map((name) => [name, join(here, `${name}.ts`)])),
      output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" },
    },
  },
});
