import { expect, test } from "vitest";
import { demand, type Form, ifPresent, NotAReceiptError, whole } from "../../src/core/value-forms.ts";

const FORM = {
  entries: [{ id: whole, tax: ifPresent(whole), taxes: ifPresent([{ rate: whole }]) }],
} as const satisfies Form;

test.each([[{ id: 1 }], [{ id: 1, tax: 2 }], [{ id: 1, taxes: [{ rate: 3 }] }]])(
  "a field that may be absent is absent or has its form: %j",
  (entry) => {
    expect(() => demand({ entries: [entry] }, FORM, "")).not.toThrow();
  },
);

test.each([
  [{ tax: 2 }, "entries[0].id is missing"],
  [{ id: 1, tax: "2" }, "entries[0].tax must be a whole number"],
  [{ id: 1, tax: null }, "entries[0].tax must be a whole number"],
  [{ id: 1, taxes: {} }, "entries[0].taxes must be a list"],
  [{ id: 1, taxes: [{}] }, "entries[0].taxes[0].rate is missing"],
])("a field that may be absent is refused where it is wrong: %j", (entry, message) => {
  expect(() => demand({ entries: [entry] }, FORM, "")).toThrow(new NotAReceiptError(message));
});
