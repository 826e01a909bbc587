/** Prints the compressed size of each module that hosts import, and fails where a module is larger than promised. */

import { gzipSync } from "node:zlib";
import { bundle, type Entry } from "./bundle.ts";

const PROMISED_BYTES: Record<Entry, number> = {
  core: 2150,
  index: 10_600,
  "talk-chat": 20_500,
  receipt: 7200,
};

for (const [name, most] of Object.entries(PROMISED_BYTES)) {
  const bytes = gzipSync(await bundle(name as Entry), { level: 9 }).length;
  process.stdout.write(`${name.padEnd(9)} ${bytes} bytes compressed, at most ${most}\n`);
  if (bytes > most) process.exitCode = 1;
}
