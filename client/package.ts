/** Makes the files of the npm package: `dist/` and LICENSE. `npm pack` and `npm publish` run this. */

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle, ENTRIES, type Entry } from "./bundle.ts";
import { manifest } from "./manifest.ts";

const here = import.meta.dirname;
const dist = join(here, "dist");

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
for (const [name, file] of Object.entries(ENTRIES))
  await writeFile(join(dist, file), await bundle(name as Entry));
await writeFile(join(dist, "custom-elements.json"), JSON.stringify(manifest, null, 2));
const tsc = join(here, "node_modules/typescript/bin/tsc");
const declarations = ["--noEmit", "false", "--emitDeclarationOnly", "--declaration", "--stripInternal"];
execFileSync(process.execPath, [tsc, "--project", "tsconfig.package.json", ...declarations], {
  cwd: here,
  stdio: "inherit",
});
await copyFile(join(here, "../LICENSE"), join(here, "LICENSE"));
