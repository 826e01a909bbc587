import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/prices.json" with { type: "json" };
import { credits, micros, price } from "../../src/core/price.ts";
import type { Tariff } from "../../src/core/types.ts";

test.each(vectors.map((vector) => [vector.id, vector] as const))(
  "%s is exact to the last digit",
  (_, vector) => {
    const answer = price(vector.tariff as Tariff, vector.seconds * 1000);
    if (vector.cost !== null) expect(answer.micros).toBe(micros(vector.cost));
    if (vector.billed_seconds !== null) expect(answer.billedMs).toBe(vector.billed_seconds * 1000);
  },
);

const minutes: Tariff = {
  tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 60 }],
};

function cost(tariff: Partial<Tariff>, ms: number, grace = true): string {
  return credits(price({ ...minutes, ...tariff }, ms, { grace }).micros);
}

test("with ceil a boundary belongs to the increment that ends there, with begun to the next one", () => {
  expect(cost({}, 300_000)).toBe("5.00");
  expect(cost({}, 300_001)).toBe("6.00");
  expect(cost({ boundary: "begun" }, 239_999)).toBe("4.00");
  expect(cost({ boundary: "begun" }, 240_000)).toBe("5.00");
});

test("without priced time the cost is nothing, with every tariff", () => {
  expect(cost({ boundary: "begun", connect_fee: "3", minimum_charge: "9" }, 0)).toBe("0.00");
  expect(cost({ connect_fee: "3" }, -500)).toBe("0.00");
});

test("within grace neither the minimum nor the connect fee is due, but credit is held for them", () => {
  const tariff: Partial<Tariff> = { grace_seconds: 3, connect_fee: "0.40", minimum_charge: "2" };
  expect(cost(tariff, 3000)).toBe("0.00");
  expect(cost(tariff, 3001)).toBe("2.00");
  expect(cost(tariff, 1, false)).toBe("2.00");
});

test("the maximum applies before the minimum, and only where the time goes on for free", () => {
  expect(cost({ max_cost: "2.50" }, 600_000)).toBe("2.50");
  expect(cost({ max_cost: "2.50", minimum_charge: "3" }, 600_000)).toBe("3.00");
  expect(cost({ max_cost: "2.50", at_max_cost: "stop" }, 600_000)).toBe("10.00");
});

test("an increment that runs over the end of its tier covers the beginning of the next tier", () => {
  const tiers = [
    { from_seconds: 0, rate: "1", per_seconds: 1, increment_seconds: 40 },
    { from_seconds: 60, rate: "2", per_seconds: 1, increment_seconds: 1 },
  ];
  expect(cost({ tiers }, 70_000)).toBe("80.00");
  expect(price({ tiers }, 70_000).billedMs).toBe(80_000);
  expect(cost({ tiers }, 81_000)).toBe("82.00");
});

test("each mode rounds once, on the total", () => {
  const tiers = [{ from_seconds: 0, rate: "0.05", per_seconds: 60, increment_seconds: 1 }];
  const rounded = (mode: "up" | "down" | "half_up", seconds: number) =>
    cost({ tiers, rounding: { places: 2, mode } }, seconds * 1000);
  expect([rounded("up", 6), rounded("down", 6), rounded("half_up", 6)]).toEqual(["0.01", "0.00", "0.01"]);
  expect([rounded("up", 5), rounded("down", 5), rounded("half_up", 5)]).toEqual(["0.01", "0.00", "0.00"]);
  expect(cost({ tiers, rounding: { places: 6, mode: "half_up" } }, 1000)).toBe("0.000833");
});

test("an amount that is read and written is the same text", () => {
  for (const text of ["0.00", "8.75", "-0.40", "0.000001", "123456789012345.678901"])
    expect(credits(micros(text))).toBe(text);
  expect(micros("3")).toBe(3_000_000n);
  for (const text of ["", "1.", ".5", "1e3", "0.0000001", "1,5"])
    expect(() => micros(text)).toThrow(RangeError);
});
