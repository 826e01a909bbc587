// @vitest-environment happy-dom
import "../../src/talk/words.ts";
import { expect, test } from "vitest";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { agreesToStop } from "../../src/talk/stop.ts";
import { wordsOf } from "../../src/words.ts";
import { PAUSED, snapshot } from "../facts.ts";

/** The text of the question; null where nobody is asked. */
async function question(facts: Snapshot, language = "en"): Promise<string | null> {
  const chat = { snapshot: facts, frame: () => ({ cost: "1.00", snapshot: facts }) as Frame };
  const agreed = agreesToStop(chat, wordsOf(language), (amount) => `${amount} €`);
  const dialog = document.querySelector("dialog");
  const text = dialog?.querySelector("p")?.textContent ?? null;
  dialog?.querySelector<HTMLButtonElement>("button[value=yes]")?.click();
  expect(await agreed).toBe(true);
  return text;
}

test("the question before the end says the cost so far", async () => {
  expect(await question(snapshot(10_000))).toBe("It ends for both of you. So far it has cost 1.00 €.");
});

test.each(["en", "de", "es"])(
  "the question names no cost that goes on in another chat (%s)",
  async (language) => {
    const moved = snapshot(10_000, { chat: { id: "left" } });
    expect(await question(moved, language)).not.toContain("1.00");
    expect(await question(snapshot(10_000), language)).toContain("1.00 €");
  },
);

test("nobody is asked before the end of a call that was not accepted", async () => {
  expect(await question(snapshot(0, { ...PAUSED, record: { state: "requested" } }))).toBeNull();
});

test("the question closes where another record has begun meanwhile", async () => {
  let facts = snapshot(10_000);
  const chat = { snapshot: facts, frame: () => ({ cost: "1.00", snapshot: facts }) as Frame };
  const agreed = agreesToStop(chat, wordsOf("en"), String);
  facts = snapshot(10_000, { record: { id: "another" } });
  expect(await agreed).toBe(false);
});
