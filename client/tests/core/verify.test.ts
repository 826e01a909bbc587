import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/receipts.json" with { type: "json" };
import { type Check, fingerprint, holds, NotAReceiptError, type Receipt, verify } from "../../src/receipt.ts";

const receipts = vectors as unknown as Receipt[];
const [first] = receipts as [Receipt, ...Receipt[]];

function wrong(checks: Check[]): string[] {
  return checks.filter((check) => !holds(check)).map(({ path }) => path);
}

/** What is wrong with the receipt after a change, its fingerprint renewed. */
function tampered(change: (receipt: Receipt) => void): string[] {
  const receipt = structuredClone(first);
  change(receipt);
  receipt.fingerprint = fingerprint(receipt);
  return wrong(verify(receipt));
}

test.each(receipts.map((receipt) => [receipt.advisor_name, receipt] as const))(
  "the receipt of %s follows from its facts",
  (_, receipt) => {
    const checks = verify(receipt);
    expect(wrong(checks)).toEqual([]);
    expect(checks.length).toBeGreaterThan(20);
  },
);

test("a receipt without shares, as the user gets it, is right and has another fingerprint", () => {
  const { shares: _, ...rest } = first;
  const receipt = { ...rest, fingerprint: fingerprint(rest) };
  expect(wrong(verify(receipt))).toEqual([]);
  expect(receipt.fingerprint).not.toBe(first.fingerprint);
});

test("every change changes the fingerprint", () => {
  for (const change of [{ cost: "0.76" }, { user_name: "Eve" }, { tariff_version: 2 }])
    expect(wrong(verify({ ...first, ...change }))).toContain("fingerprint");
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
  ["lines[1].amount", (receipt) => Object.assign(receipt.lines[1] ?? {}, { amount: "0.41" })],
  ["lines", (receipt) => receipt.lines.push({ text: "nothing", amount: "0.00" })],
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
])("a change of %s is found, though the fingerprint was renewed", (path, change) => {
  expect(tampered(change)).toContain(path);
});

/**
 * What follows from nothing else on the receipt: names, and how things are called; rules of the tariff that made no
 * difference; a millisecond more or less of free time within an increment.
 */
const UNPROVABLE = `
  server_time record.user_id record.advisor_id record.current_chat_id user_name advisor_name
  tariff.grace_seconds tariff.minimum_charge tariff_version free_ms_before
  seller currency
  segments.0.chat_id segments.0.caused_by segments.1.chat_id segments.2.chat_id segments.2.caused_by
  lines.0.text lines.1.text lines.2.text lines.3.text
  entries.0.reference entries.1.reference entries.2.reference how_to_recompute fingerprint
`;

type Path = (string | number)[];
type Holder = Record<string | number, unknown>;

function* paths(value: unknown, path: Path = []): Generator<Path> {
  if (value === null || typeof value !== "object") yield path;
  else
    for (const [name, inner] of Object.entries(value))
      yield* paths(inner, [...path, Array.isArray(value) ? Number(name) : name]);
}

/** Another value of the same kind. */
function other(value: unknown): unknown {
  if (value === null) return "0.01";
  if (typeof value === "number") return value + 1;
  const text = String(value);
  const place = text.search(/\d\D*$/);
  if (place < 0) return `${text}x`;
  return `${text.slice(0, place)}${(Number(text[place]) + 1) % 10}${text.slice(place + 1)}`;
}

function isRight(receipt: Receipt): boolean {
  try {
    return wrong(verify(receipt)).length === 0;
  } catch (error) {
    if (error instanceof NotAReceiptError) return false;
    throw error;
  }
}

/** The places where a change is not found, though the fingerprint was renewed. */
function unnoticed(receipt: Receipt): string[] {
  const unnoticed: string[] = [];
  for (const path of paths(receipt)) {
    const changed = structuredClone(receipt);
    const last = path.at(-1) ?? "";
    const holder = path.slice(0, -1).reduce((at, step) => at[step] as Holder, changed as unknown as Holder);
    holder[last] = other(holder[last]);
    changed.fingerprint = fingerprint(changed);
    if (isRight(changed)) unnoticed.push(path.join("."));
  }
  return unnoticed;
}

test("every change that can be found in the fullest receipt is found", () => {
  expect(unnoticed(first)).toEqual(UNPROVABLE.trim().split(/\s+/));
});

test("a change of who bears a refund is found", () => {
  const refunded = receipts.find(({ entries }) => entries.some(({ kind }) => kind === "refund"));
  const found = unnoticed(refunded as Receipt);
  // Fees that go on while the price stays the same: one millisecond makes no difference.
  expect(found.filter((path) => path.startsWith("shares"))).toEqual(["shares.entries.2.at"]);
});

test("a rate that was raised no longer gives the cost", () => {
  const found = tampered((receipt) => Object.assign(receipt.tariff.tiers[1] ?? {}, { rate: "0.11" }));
  expect(found).toContain("cost");
});

test("an amount shifted between two lines is found, though the lines still add up", () => {
  const found = tampered(({ lines: [, connect, minutes] }) => {
    Object.assign(connect ?? {}, { amount: "0.41" });
    Object.assign(minutes ?? {}, { amount: "0.19" });
  });
  expect(found).toEqual(["lines[1].amount", "lines[2].amount"]);
});

test("what is not a receipt is refused", () => {
  expect(() => verify({})).toThrow(NotAReceiptError);
  expect(() => verify({ ...first, server_time: "soon" })).toThrow("server_time must be an instant");
});
