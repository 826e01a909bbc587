/** The package as it is published: its files, and programs that use nothing of ours but the package. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { manifest } from "../manifest.ts";

const client = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "talktime-package-"));
const installed = join(folder, "node_modules/@talktime/client");
let packed: { name: string; version: string; files: { path: string }[] };

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8" });
}

beforeAll(() => {
  const output = run("npm", "pack", "--json", "--silent", "--pack-destination", folder, client);
  const [first] = Object.values(JSON.parse(output.slice(output.search(/^[[{]/m)))) as (typeof packed)[];
  if (!first) throw new Error(`npm pack printed ${output}`);
  packed = first;
  mkdirSync(installed, { recursive: true });
  run("tar", "-xzf", `talktime-client-${packed.version}.tgz`, "-C", installed, "--strip-components=1");
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("the package holds four modules, their types, the element's description, the licence and README.md alone", () => {
  const paths = packed.files.map((file) => file.path).sort();
  const types = paths.filter((path) => path.startsWith("dist/types/"));
  expect(paths.filter((path) => !types.includes(path))).toEqual([
    "LICENSE",
    "README.md",
    "dist/core.js",
    "dist/custom-elements.json",
    "dist/receipt.js",
    "dist/talk-chat.js",
    "dist/talktime.js",
    "package.json",
  ]);
  expect(types).toContain("dist/types/index.d.ts");
  expect(types.every((path) => path.endsWith(".d.ts"))).toBe(true);
});

test("the package names its licence and has no dependencies", () => {
  const described = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(described).toMatchObject({ name: "@talktime/client", license: "Apache-2.0", type: "module" });
  expect(described.private).toBeUndefined();
  expect(described.dependencies).toBeUndefined();
});

test("editors find the description of the element", () => {
  const { customElements } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  expect(JSON.parse(readFileSync(join(installed, customElements), "utf8"))).toEqual(manifest);
  for (const { path } of manifest.modules)
    expect(readFileSync(join(installed, path), "utf8")).toContain("talk-time");
});

test("the core runs without a browser", () => {
  const program = `
    import { Clock, measure, price } from "@talktime/client/core";
    const clock = new Clock(1);
    clock.take({ c0: 0, s1: 1000, s2: 1000, c3: 10 });
    const cost = price({ tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60 }] }, 30_000);
    console.log(Math.round(clock.now(10)), cost.micros, typeof measure);`;
  expect(run("node", "--input-type=module", "--eval", program).trim()).toBe("1005 500000n function");
});

test("a receipt is checked without a browser", () => {
  const receipts = join(client, "../tests/vectors/receipts.json");
  const program = `
    import { readFileSync } from "node:fs";
    import { fingerprint, holds, NotAReceiptError, share, verify } from "@talktime/client/receipt";
    const [receipt] = JSON.parse(readFileSync(${JSON.stringify(receipts)}, "utf8"));
    const { terms, advisor } = receipt.shares;
    const changed = { ...receipt, cost: "0.75" };
    changed.fingerprint = fingerprint(changed);
    const wrong = verify(changed).filter((check) => !holds(check)).map(({ path }) => path);
    console.log(verify(receipt).every(holds), wrong, share(terms, receipt.tariff, 152_500).advisor, advisor);
    try { verify({}); } catch (error) { console.log(error instanceof NotAReceiptError); }`;
  const output = run("node", "--input-type=module", "--eval", program).trim();
  expect(output).toBe("true [ 'cost' ] 319970n 0.31997\ntrue");
});

test("a server that renders pages can load the whole client", () => {
  const program = `
    import { connect, TalkTimeElement } from "@talktime/client";
    console.log(typeof connect, typeof TalkTimeElement);`;
  expect(run("node", "--input-type=module", "--eval", program).trim()).toBe("function function");
});

test("a strict TypeScript program compiles with the package, and a program that misuses the package does not", () => {
  const compile = (program: string) => {
    writeFileSync(join(folder, "page.ts"), program);
    const tsc = join(client, "node_modules/typescript/bin/tsc");
    const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--types", ""];
    return run("node", tsc, ...options, "--lib", "es2023,dom,dom.iterable", "page.ts");
  };
  const page = `
    import { connect, type Frame } from "@talktime/client";
    import { Clock } from "@talktime/client/core";
    import { type Check, type Receipt, verify } from "@talktime/client/receipt";
    const talktime = connect({ url: "/talktime", token: async () => "token" });
    talktime.watch("chat").subscribe((frame: Frame) => frame.cost.toUpperCase());
    document.querySelector("talk-time")?.reading.errorMs.toFixed();
    new Clock(1).now(1)?.toFixed();
    const wrong = (receipt: Receipt): Check | undefined => verify(receipt)[0];
    wrong(await talktime.request<Receipt>("GET", "/records/1/receipt"))?.path.toUpperCase();`;
  expect(compile(page)).toBe("");
  expect(() => compile(`${page} connect({ url: 1 });`)).toThrow();
}, 60_000);
