/** What must hold on every network, with every drift and after every sleep; and that these tests notice a broken clock. */

import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Clock } from "../../src/core/clock.ts";
import { type ClockKind, type Path, World } from "../network.ts";

const path: fc.Arbitrary<Path> = fc.record({
  upMs: fc.integer({ min: 1, max: 900 }),
  downMs: fc.integer({ min: 1, max: 900 }),
  jitterMs: fc.integer({ min: 0, max: 80 }),
  stalls: fc.constantFrom(0, 0.05, 0.3),
  stallMs: fc.integer({ min: 100, max: 4000 }),
});

const ms = (min: number, max: number) => fc.integer({ min, max });

/** What can happen to a page, and for how many ms. */
const event = fc.oneof(
  { arbitrary: fc.record({ does: fc.constant("runs" as const), ms: ms(20, 90_000) }), weight: 4 },
  fc.record({ does: fc.constant("sleeps" as const), ms: ms(251, 7_200_000) }),
  fc.record({ does: fc.constant("freezes" as const), ms: ms(1, 600_000) }),
  fc.record({ does: fc.constant("is alarmed" as const), ms: ms(0, 20_000) }),
  fc.record({ does: fc.constant("changes its route" as const), ms: ms(0, 60_000), path }),
  fc.record({ does: fc.constant("changes its server" as const), ms: ms(0, 60_000), skewMs: ms(-40, 5000) }),
);

const life = fc.record({
  seed: fc.nat(),
  path,
  driftPpm: ms(-95, 95),
  wrongMs: ms(-86_400_000, 86_400_000),
  grainMs: fc.constantFrom(0, 0.1, 1, 17),
  nodeErrorMs: fc.constantFrom(0, 1, 40),
  events: fc.array(event, { minLength: 1, maxLength: 8 }),
});

type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

function lived(kind: ClockKind, { seed, path, events, nodeErrorMs, ...local }: Life): World {
  const world = new World(seed, path, { ...local, kind });
  world.nodeErrorMs = nodeErrorMs;
  world.run(5000);
  for (const event of events) {
    if (event.does === "sleeps") world.sleep(event.ms);
    if (event.does === "freezes") world.freeze(event.ms);
    if (event.does === "changes its route") world.path = event.path;
    if (event.does === "changes its server") world.move(event.skewMs);
    // Nothing notices the change of a route. The wall clock shows a sleep before a digit is painted.
    if (event.does !== "runs" && event.does !== "changes its route") world.disturb(event.does === "sleeps");
    world.run(event.does === "sleeps" || event.does === "freezes" ? 10_000 : event.ms);
  }
  return world;
}

/** Tolerance for sums of floats, and for the drift between two looks. */
const SLACK_MS = 0.1;

/** The first thing that is wrong, in words; null when nothing is. */
function wrong(world: World): string | null {
  let stepped = 0;
  for (const [index, look] of world.looks.entries()) {
    const before = world.looks[index - 1];
    if (look.shown === null || !before) continue;
    if (!look.moved && Math.abs(look.error) > look.bound + SLACK_MS)
      return `at ${look.at}: ${look.error} ms wrong, bound ${look.bound} ms`;
    if (before.shown === null) continue;
    const passed = look.local - before.local;
    const moved = look.shown - before.shown;
    if (moved < 0) return `at ${look.at}: back by ${-moved} ms`;
    if (moved < 0.95 * passed - SLACK_MS) return `at ${look.at}: ${moved} ms shown in ${passed} ms`;
    if (moved <= 1.05 * passed + SLACK_MS) continue;
    if (look.evidence === stepped)
      return `at ${look.at}: a step of ${moved} ms in ${passed} ms, without evidence`;
    stepped = look.evidence;
  }
  return null;
}

const RUNS = { numRuns: 1000, seed: 20260105 };

test("the time never goes back, is never faster or slower by more than a twentieth, and stays within its bound", {
  timeout: 120_000,
}, () => {
  fc.assert(
    fc.property(life, (life) => {
      expect(wrong(lived(Clock, life))).toBeNull();
    }),
    RUNS,
  );
});

/** The clock with a mistake in it. */
async function mutant(right: string, mistake: string): Promise<ClockKind> {
  const source = readFileSync(new URL("../../src/core/clock.ts", import.meta.url), "utf8");
  expect(source.split(right)).toHaveLength(2);
  const script = stripTypeScriptTypes(source.replace(right, mistake));
  const module = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(script)}`)) as {
    Clock: ClockKind;
  };
  return module.Clock;
}

test.each([
  [
    "corrects every error at once",
    "Math.min(most, Math.max(-most, wanted))",
    "behind",
    /back by|shown in|a step/,
  ],
  ["ignores drift", "const DRIFT = 1e-4", "const DRIFT = 0", /wrong, bound/],
  ["is not suspect after a sleep", "this.#suspect ||= suspect", "this.#suspect ||= false", /wrong, bound/],
  [
    "uses the faster direction of a round trip alone",
    "sample.s1 - sample.c0 +",
    "sample.s2 - sample.c3 +",
    /wrong, bound/,
  ],
  ["steps whenever it is behind", "      this.#mayStep = false;\n      if", "      if", /without evidence/],
])("a clock that %s fails", { timeout: 120_000 }, async (_mistake, right, wronged, found) => {
  const kind = await mutant(right, wronged);
  const property = fc.property(life, (life) => {
    const what = wrong(lived(kind, life));
    if (what) throw new Error(what);
  });
  const { errorInstance } = fc.check(property, { ...RUNS, endOnFailure: true });
  expect(String(errorInstance)).toMatch(found);
});
