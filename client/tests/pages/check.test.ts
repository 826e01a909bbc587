import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/receipts.json" with { type: "json" };
import { type Check, fingerprint, holds, type Receipt, verify } from "../../pages/receipt/check.ts";

const receipts = vectors as unknown as Receipt[];
const [first] = receipts as [Receipt, ...Receipt[]];

function wrong(checks: Check[]): string[] {
  return checks.filter((check) => !holds(check)).map(({ path }) => path);
}

/** The receipt with one figure changed, and with a fingerprint that fits. */
async function tampered(change: (receipt: Receipt) => void): Promise<string[]> {
  const receipt = structuredClone(first);
  change(receipt);
  receipt.fingerprint = (await fingerprint(receipt)) ?? "";
  return wrong(await verify(receipt));
}

test.each(receipts.map((receipt) => [receipt.advisor_name, receipt] as const))(
  "the receipt of %s follows from its facts",
  async (_, receipt) => {
    const checks = await verify(receipt);
    expect(wrong(checks)).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
  },
);

test("without its shares, as a user sees it, it is right as well, with a fingerprint of its own", async () => {
  const { shares: _, ...rest } = first;
  const receipt = { ...rest, fingerprint: (await fingerprint(rest)) ?? "" };
  expect(wrong(await verify(receipt))).toEqual([]);
  expect(receipt.fingerprint).not.toBe(first.fingerprint);
});

test("whatever is changed changes the fingerprint", async () => {
  for (const change of [{ cost: "0.76" }, { user_name: "Eve" }, { tariff_version: 2 }])
    expect(wrong(await verify({ ...first, ...change }))).toContain("fingerprint");
});

test.each<[string, (receipt: Receipt) => void]>([
  ["cost", (receipt) => Object.assign(receipt, { cost: "0.754" })],
  ["elapsed_ms", (receipt) => Object.assign(receipt, { elapsed_ms: 182_499 })],
  ["billed_ms", (receipt) => Object.assign(receipt, { billed_ms: 154_000 })],
  ["segments[1].duration_ms", (receipt) => Object.assign(receipt.segments[1] ?? {}, { duration_ms: 1 })],
  [
    "segments[1].started_at",
    (receipt) => Object.assign(receipt.segments[1] ?? {}, { started_at: receipt.record.started_at }),
  ],
  ["gaps[0]", (receipt) => Object.assign(receipt.gaps[0] ?? {}, { caused_by: "user" })],
  ["gaps[0]", (receipt) => Object.assign(receipt.gaps[0] ?? {}, { duration_ms: 19_999 })],
  ["gaps", (receipt) => receipt.gaps.pop()],
  ["lines", (receipt) => Object.assign(receipt.lines[1] ?? {}, { amount: "0.41" })],
  ["entries[1].amount", (receipt) => Object.assign(receipt.entries[1] ?? {}, { amount: "-0.01" })],
  ["entries[1].record_id", (receipt) => Object.assign(receipt.entries[1] ?? {}, { record_id: "another" })],
  ["record.reason", (receipt) => Object.assign(receipt.record, { reason: null })],
  ["entries[0].gift", (receipt) => Object.assign(receipt.entries[0] ?? {}, { gift: "-9.00" })],
  ["unposted", (receipt) => Object.assign(receipt, { unposted: "0.01" })],
  ["totals.paid", (receipt) => Object.assign(receipt.totals, { paid: "0.01" })],
  ["record.state", (receipt) => Object.assign(receipt.record, { state: "paused" })],
  ["shares.advisor", (receipt) => Object.assign(receipt.shares ?? {}, { advisor: "0.32" })],
  ["shares.fees", (receipt) => Object.assign(receipt.shares?.terms ?? {}, { fee_per_minute: "0.05" })],
  [
    "shares.entries[0].platform_amount",
    (receipt) => Object.assign(receipt.shares?.entries[0] ?? {}, { platform_amount: "0.00" }),
  ],
])("%s is found out, though the fingerprint fits", async (path, change) => {
  expect(await tampered(change)).toContain(path);
});

// What nothing else on a receipt follows from, as in the service's own test: names and what one may call things, tariff
// rules that came to nothing, a millisecond more or less of free time within an increment.
const UNPROVABLE = new Set(
  (
    "server_time user_name advisor_name tariff_version how_to_recompute fingerprint id user_id advisor_id reference" +
    " current_chat_id chat_id paused_at paused_by text reason caused_by expires_at grace_seconds minimum_charge" +
    " max_cost at_max_cost boundary mode free_ms_before"
  ).split(" "),
);

type Path = (string | number)[];
type Holder = Record<string | number, unknown>;

function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (value === null || typeof value !== "object") yield path;
  else
    for (const [name, inner] of Object.entries(value))
      yield* paths(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** Something like it, that is not the same. */
function other(value: unknown): unknown {
  if (value === null) return "0.01";
  if (typeof value === "number") return value + 1;
  const text = String(value);
  const place = text.search(/\d\D*$/);
  if (place < 0) return `${text}x`;
  return `${text.slice(0, place)}${(Number(text[place]) + 1) % 10}${text.slice(place + 1)}`;
}

/** What can be changed in a receipt and nothing says so. */
async function unnoticed(receipt: Receipt): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths(receipt)) {
    const changed = structuredClone(receipt);
    const last = path.at(-1) ?? "";
    const holder = path.slice(0, -1).reduce((at, step) => at[step] as Holder, changed as unknown as Holder);
    holder[last] = other(holder[last]);
    changed.fingerprint = (await fingerprint(changed)) ?? "";
    const differs = await verify(changed).then(wrong, () => ["no receipt"]);
    const isProvable = path[0] === "gaps" || !UNPROVABLE.has(String(last));
    if (differs.length === 0 && isProvable) found.push(path.join("."));
  }
  return found;
}

test("whatever is changed in the fullest receipt is found out, though the fingerprint fits", async () => {
  expect(await unnoticed(first)).toEqual([]);
});

test("who bears a refund is found out, too", async () => {
  const refunded = receipts.find(({ entries }) => entries.some(({ kind }) => kind === "refund"));
  const found = await unnoticed(refunded as Receipt);
  // A fee that goes on while the price stands still: a millisecond more or less makes no difference to it.
  expect(found.filter((path) => !path.startsWith("tariff."))).toEqual(["shares.entries.2.at"]);
});

test("a rate that was raised no longer gives the cost", async () => {
  const found = await tampered((receipt) => Object.assign(receipt.tariff.tiers[1] ?? {}, { rate: "0.11" }));
  expect(found).toContain("cost");
});

test("what is no receipt is refused", async () => {
  await expect(verify({} as Receipt)).rejects.toThrow();
  await expect(verify({ ...first, server_time: "soon" })).rejects.toThrow(RangeError);
});
