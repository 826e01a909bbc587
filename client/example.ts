/** `node example.ts NAME OUT` builds `examples/NAME` into the folder OUT as a host's own tools would, with the client of this folder. */

import { join } from "node:path";
import { build } from "vite";

const [name, outDir] = process.argv.slice(2);
if (!name || !outDir) throw new Error("usage: node example.ts NAME OUT");

const here = import.meta.dirname;
const framework = (module: string) => join(here, "node_modules", module);

await build({
  configFile: false,
  logLevel: "error",
  root: join(here, "../examples", name),
  base: "./",
  oxc: { jsx: { runtime: "automatic" } },
  resolve: {
    alias: [
      { find: "@talktime/client/talk-chat", replacement: join(here, "src/talk-chat.ts") },
      { find: "@talktime/client", replacement: join(here, "src/index.ts") },
      { find: /^(react|react-dom|vue)(?=\/|$)/, replacement: framework("$1") },
    ],
  },
  build: { outDir, target: "es2022", modulePreload: false },
});
