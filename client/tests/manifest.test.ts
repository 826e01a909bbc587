// @vitest-environment happy-dom
/** The custom-elements manifest describes the element: both have the same names. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { manifest } from "../manifest.ts";
import { TalkTimeElement } from "../src/element.ts";

const client = join(import.meta.dirname, "..");
const source = readFileSync(join(client, "src/element.ts"), "utf8");
const reference = readFileSync(join(client, "../docs/reference/element.md"), "utf8");

const declaration = manifest.modules[0]?.declarations?.[0];
if (declaration?.kind !== "class" || !("customElement" in declaration)) throw new Error("no custom element");
const { attributes = [], members = [], events = [], cssParts = [], cssProperties = [] } = declaration;

function names(things: readonly { name?: string | undefined }[]): string[] {
  return things.map(({ name }) => name ?? "").sort();
}

function found(pattern: RegExp): string[] {
  return [...new Set([...source.matchAll(pattern)].map(([, name]) => name ?? ""))].sort();
}

test("the manifest has the attributes that the element observes, and those that the element sets", () => {
  const set = found(/this\.#?(?:setAttribute|toggleAttribute)\("([\w-]+)"/g).filter(
    (name) => name !== "role",
  );
  expect(names(attributes)).toEqual([...TalkTimeElement.observedAttributes, ...set].sort());
  const toRead = attributes.filter(({ description }) => description?.includes("To read"));
  expect(names(toRead)).toEqual(set);
});

test("properties, and which of them can be set", () => {
  const own = Object.entries(Object.getOwnPropertyDescriptors(TalkTimeElement.prototype));
  const accessors = own.filter(([, { get }]) => get);
  expect(names(members)).toEqual(accessors.map(([name]) => name).sort());
  for (const [name, { set }] of accessors) {
    const member = members.find((one) => one.name === name);
    expect([name, member?.kind === "field" && member.readonly === true]).toEqual([name, set === undefined]);
  }
});

test("events", () => {
  expect(names(events)).toEqual(found(/new CustomEvent\("(\w+)"/g));
});

test("parts", () => {
  const parts = [...(new TalkTimeElement().shadowRoot?.querySelectorAll("[part]") ?? [])];
  const tokens = parts.flatMap((part) => part.getAttribute("part")?.split(" ") ?? []);
  expect(names(cssParts)).toEqual([...new Set(tokens)].sort());
});

test("custom properties, and their defaults", () => {
  const used = [...source.matchAll(/var\((--[\w-]+), ([^)]+)\)/g)].map(
    ([, name, value]) => `${name}: ${value}`,
  );
  expect(cssProperties.map(({ name, default: value }) => `${name}: ${value}`).sort()).toEqual(used.sort());
});

test("the name, and where it is defined", () => {
  expect(customElements.get(declaration.tagName ?? "")).toBe(TalkTimeElement);
  expect(declaration.name).toBe(TalkTimeElement.name);
});

test("the reference page has exactly these attributes, properties, events, parts and custom properties", () => {
  const rows = [...reference.matchAll(/^\| (attribute|property|event) `([\w-]+)`/gm)].map(
    ([, kind, name]) => `${kind} ${name}`,
  );
  const parts = [...reference.matchAll(/`::part\((\w+)\)`/g)].map(([, name]) => `part ${name}`);
  const properties = [...reference.matchAll(/^\| `(--[\w-]+)` \| .*`(.+)` \|$/gm)].map(
    ([, name, value]) => `${name}: ${value}`,
  );
  expect([...rows, ...parts, ...properties].sort()).toEqual(
    [
      ...names(attributes).map((name) => `attribute ${name}`),
      ...names(members).map((name) => `property ${name}`),
      ...names(events).map((name) => `event ${name}`),
      ...names(cssParts).map((name) => `part ${name}`),
      ...cssProperties.map(({ name, default: value }) => `${name}: ${value}`),
    ].sort(),
  );
});
