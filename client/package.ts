/** Fills `dist/` and what else the npm package holds; `npm pack` and `npm publish` run it. */

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bundle } from "./bundle.ts";

const here = import.meta.dirname;
const dist = join(here, "dist");

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await writeFile(join(dist, "talktime.js"), await bundle("index"));
await writeFile(join(dist, "core.js"), await bundle("core"));
const tsc = join(here, "node_modules/typescript/bin/tsc");
const declarations = ["--noEmit", "false", "--emitDeclarationOnly", "--declaration", "--stripInternal"];
execFileSync(process.execPath, [tsc, "--project", "tsconfig.package.json", ...declarations], {
  cwd: here,
  stdio: "inherit",
});
await copyFile(join(here, "../LICENSE"), join(here, "LICENSE"));
