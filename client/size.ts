/** Prints what a browser loads, compressed, and fails when it is more than was promised. */

import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.ts";

const PROMISED_BYTES = { core: 2000, index: 10_000 };

for (const name of ["core", "index"] as const) {
  const bytes = gzipSync(await bundle(name), { level: 9 }).length;
  const most = PROMISED_BYTES[name];
  process.stdout.write(`${name.padEnd(9)} ${bytes} bytes compressed, at most ${most}\n`);
  if (bytes > most) process.exitCode = 1;
}
