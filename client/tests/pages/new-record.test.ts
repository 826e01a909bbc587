// @vitest-environment happy-dom
import "./dictionary.ts";
import { beforeEach, expect, test, vi } from "vitest";
import { snapshot } from "../facts.ts";

const ENDED = snapshot(10_000, { record: { state: "ended", reason: "stopped" }, timer: { running: false } });

let offer: { tariff_version: number; rate: string; free_remaining_ms: number };

function answer(): Response {
  const { tariff_version, rate, free_remaining_ms } = offer;
  const tariff = { tiers: [{ from_seconds: 0, rate, per_seconds: 60, increment_seconds: 60 }] };
  const version = `${tariff_version}-${free_remaining_ms}`;
  const document = { display_name: "Maya", tariff, tariff_version, version, free_remaining_ms };
  return Response.json({ ...document, lasts_ms: null });
}

beforeEach(() => {
  vi.resetModules();
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => answer()),
  );
  document.body.innerHTML = '<p id="price"></p><p id="problem" hidden></p>';
  offer = { tariff_version: 1, rate: "1.00", free_remaining_ms: 180_000 };
});

async function load() {
  await import("./dictionary.ts");
  const { agreesToRecord } = await import("../../pages/chat/new-record.ts");
  return { ...(await import("../../pages/chat/price-line.ts")), agreesToRecord };
}

const line = () => document.getElementById("price")?.textContent;
const button = (name: string) => document.querySelector<HTMLButtonElement>(`dialog button[value=${name}]`);
async function refused(problem: object): Promise<never> {
  const { RequestProblem } = await import("../../src/request.ts");
  throw new RequestProblem({ title: "Conflict", status: 409, code: "conflict", ...problem });
}

test.each([
  ["a first record", { ...ENDED, record: null }],
  ["a record after another", ENDED],
])("%s that is free at first begins at the price that the page showed", async (_, facts) => {
  const { agreesToRecord, showPrice } = await load();
  await showPrice(facts, "user");
  offer = { ...offer, tariff_version: 2, rate: "9.00" };
  expect(await agreesToRecord(facts)).toEqual({ offerVersion: "1-180000" });
});

test("what costs something soon begins at the price of the question", async () => {
  const { agreesToRecord, showPrice } = await load();
  await showPrice(ENDED, "user");
  offer = { tariff_version: 2, rate: "9.00", free_remaining_ms: 0 };
  const agreed = agreesToRecord(ENDED);
  await vi.waitFor(() => expect(document.querySelector("dialog p")?.textContent).toContain("9.00 a minute"));
  button("yes")?.click();
  expect(await agreed).toEqual({ offerVersion: "2-0" });
});

test("a record that ends elsewhere while the user thinks is followed by no record at a price that nobody has read", async () => {
  const { agreesToRecord, showPrice } = await load();
  await showPrice(ENDED, "user");
  const conflict = { title: "Conflict", status: 409, code: "conflict", state: "running", allowed: [] };
  vi.mocked(fetch).mockResolvedValueOnce(Response.json(conflict, { status: 409 }));
  offer = { tariff_version: 2, rate: "9.00", free_remaining_ms: 0 };
  const agreed = agreesToRecord(ENDED);
  await vi.waitFor(() => expect(button("yes")).not.toBeNull());
  button("yes")?.click();
  await vi.waitFor(() => expect(document.querySelector("dialog p")?.textContent).toContain("9.00 a minute"));
  button("no")?.click();
  expect(await agreed).toBeNull();
});

test("what another chat of the pair uses up changes the line, and the offer that is agreed to", async () => {
  const { agreesToRecord, showPrice } = await load();
  await showPrice(ENDED, "user");
  expect(line()).toContain("3 minutes free");
  offer = { ...offer, free_remaining_ms: 120_000 };
  await showPrice({ ...ENDED, sequence: ENDED.sequence + 1 }, "user");
  expect(line()).toContain("2 minutes free");
  expect(await agreesToRecord(ENDED)).toEqual({ offerVersion: "1-120000" });
});

test("where the page has shown no price, the user is asked although time is free at first", async () => {
  const { agreesToRecord } = await load();
  const agreed = agreesToRecord(ENDED);
  await vi.waitFor(() => expect(document.querySelector("dialog p")?.textContent).toContain("1.00 a minute"));
  button("no")?.click();
  expect(await agreed).toBeNull();
});

test.each([
  ["a first record", { ...ENDED, record: null }, "First 3 minutes free, then 9.00 a minute"],
  ["a record after another", ENDED, "To start again: first 3 minutes free, then 9.00 a minute"],
])(
  "after a refusal because the price has changed, the line has the new price of %s",
  async (_, facts, text) => {
    const { agreesToRecord, showPrice, showNewPrice } = await load();
    await showPrice(facts, "user");
    offer = { ...offer, tariff_version: 2, rate: "9.00" };
    await expect(showNewPrice(refused({ state: "ended" }))).rejects.toThrow();
    expect(line()).toContain("1.00 a minute");
    await expect(showNewPrice(refused({ tariff_version: 2 }))).rejects.toThrow();
    expect(line()?.toLowerCase()).toContain(text.toLowerCase());
    // The old facts do not bring the old price back.
    await showPrice(facts, "user");
    expect(line()).toContain("9.00");
    expect(await agreesToRecord(facts)).toEqual({ offerVersion: "2-180000" });
  },
);
