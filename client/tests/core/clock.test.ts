import { describe, expect, test } from "vitest";
import { Clock } from "../../src/core/clock.ts";
import { LTE, NEAR, type Path, quantile, strides, World } from "../network.ts";

/** Tolerance for the drift between two looks, in ms. */
const SLACK = 0.1;

function expectHonest(world: World): void {
  const dishonest = world.looks.filter(
    (look) => look.shown !== null && Math.abs(look.error) > look.bound + SLACK,
  );
  expect(dishonest).toEqual([]);
}

const SEEDS = Array.from({ length: 12 }, (_, index) => 7919 * (index + 1));

describe.each([80, -80])("half an hour with a local clock off by %d ppm", (driftPpm) => {
  test.each(SEEDS)("on a mobile network, seed %d", (seed) => {
    const world = new World(seed, LTE, { driftPpm, wrongMs: driftPpm * 1e6 });
    world.run(1_800_000);
    expectHonest(world);
    const { most, least, steps } = strides(world.looks);
    expect(steps).toBe(0);
    expect(least).toBeGreaterThanOrEqual(20 * 0.949);
    expect(most).toBeLessThanOrEqual(20 * 1.051);
    expect(quantile(world.looks, 0.95, 15_000)).toBeLessThan(30);
    expect(world.looks.find((look) => look.shown !== null)?.at).toBeLessThanOrEqual(3000);
  });
});

test("on a fast network the digits come with the first answer", () => {
  const world = new World(1, NEAR);
  world.run(60_000);
  expectHonest(world);
  expect(world.looks.find((look) => look.shown !== null)?.at).toBeLessThan(500);
  expect(quantile(world.looks, 0.95)).toBeLessThan(5);
});

test.each([
  [80, 20, 30],
  [20, 80, -30],
])("a path of %d ms up and %d ms down costs half the difference, inside the bound", (upMs, downMs, bias) => {
  const world = new World(3, { ...NEAR, upMs, downMs });
  world.run(120_000);
  expectHonest(world);
  const last = world.looks.at(-1);
  expect(Math.abs((last?.error ?? Number.NaN) - bias)).toBeLessThan(8);
});

test("a page that starts while one direction is slow has a large error bound, and is right soon after", () => {
  const world = new World(5, { ...NEAR, upMs: 615 });
  world.run(20_000);
  expect(world.looks.at(-1)?.bound).toBeGreaterThan(280);
  world.path = NEAR;
  world.run(60_000);
  expectHonest(world);
  const { least, steps } = strides(world.looks);
  expect(steps).toBe(0);
  expect(least).toBeGreaterThanOrEqual(20 * 0.949);
  expect(quantile(world.looks, 1, 60_000)).toBeLessThan(20);
});

test("when a route becomes longer in one direction, the time follows by slewing", () => {
  const world = new World(9, { ...NEAR, upMs: 20, downMs: 20 });
  world.run(60_000);
  world.path = { ...NEAR, upMs: 120, downMs: 20 };
  world.run(600_000);
  expectHonest(world);
  expect(strides(world.looks).steps).toBe(0);
  expect(Math.abs((world.looks.at(-1)?.error ?? Number.NaN) - 50)).toBeLessThan(12);
});

test.each(SEEDS)(
  "after a sleep that stopped local time, the clock is suspect at once and right after one step, seed %d",
  (seed) => {
    const world = new World(seed, { ...LTE, stalls: 0 });
    world.run(60_000);
    world.sleep(20_000);
    const woke = world.looks.length;
    world.disturb(true);
    world.run(60_000);
    const after = world.looks.slice(woke);
    const sure = after.findIndex((look) => !look.suspect);
    expect(after[0]?.suspect).toBe(true);
    expect(after[0]?.bound).toBe(Number.POSITIVE_INFINITY);
    expect(sure * 20).toBeLessThanOrEqual(1000);
    expect(strides(world.looks.slice(woke - 1)).steps).toBe(1);
    expect(Math.abs(after[sure]?.error ?? Number.NaN)).toBeLessThan(100);
    expectHonest(world);
  },
);

test("evidence without a broken clock changes nothing on the screen", () => {
  const world = new World(11, LTE);
  for (let minute = 0; minute < 30; minute += 1) {
    world.run(60_000);
    world.disturb(true);
  }
  expectHonest(world);
  expect(strides(world.looks).steps).toBe(0);
  expect(strides(world.looks).most).toBeLessThanOrEqual(20 * 1.051);
});

test("when another server answers, 40 ms apart, the time follows by slewing and never goes back", () => {
  for (const skewMs of [40, -40]) {
    const world = new World(13, NEAR);
    world.run(60_000);
    world.epoch = "b";
    world.skewMs = skewMs;
    world.disturb();
    world.run(60_000);
    const { steps, least } = strides(world.looks);
    expect(steps).toBe(0);
    expect(least).toBeGreaterThan(20 * 0.949);
    expect(quantile(world.looks, 1, 110_000)).toBeLessThan(5);
  }
});

test("when engine time is moved ahead, samples contradict each other and the time makes one step", () => {
  const world = new World(17, NEAR);
  world.run(60_000);
  world.skewMs = 600_000;
  world.run(60_000);
  expect(strides(world.looks).steps).toBe(1);
  expect(quantile(world.looks, 1, 110_000)).toBeLessThan(5);
});

const still: Path = { ...NEAR, jitterMs: 0 };

test("a message from a later instant than possible is evidence; other messages are not", () => {
  const world = new World(19, still);
  world.run(20_000);
  expect(world.clock.hear(world.engine, world.local)).toBe(false);
  expect(world.clock.suspect).toBe(false);
  expect(world.clock.hear(world.engine + 1000, world.local)).toBe(true);
  expect(world.clock.suspect).toBe(true);
});

test("the time starts no lower than before a reload, unless the samples rule that out", () => {
  const first = (floor: number) => {
    const world = new World(23, still, { floor });
    world.run(1000);
    return world.looks.find((look) => look.shown !== null)?.shown ?? Number.NaN;
  };
  const free = first(Number.NEGATIVE_INFINITY);
  expect(first(free + 10)).toBe(free + 10);
  expect(first(free + 5000)).toBe(free);
});

test("answers of an older generation, impossible answers and very slow answers are ignored", () => {
  const clock = new Clock(1);
  clock.disturb(1000);
  clock.take({ c0: 990, s1: 5000, s2: 5000, c3: 1010 });
  clock.take({ c0: 1010, s1: 5000, s2: 5050, c3: 1020 });
  clock.take({ c0: 1010, s1: 5000, s2: 5000, c3: 17_000 });
  expect(clock.now(17_000)).toBeNull();
  clock.take({ c0: 17_000, s1: 21_000, s2: 21_000, c3: 17_010 });
  expect(clock.now(17_010)).toBeCloseTo(21_005, 0);
});
