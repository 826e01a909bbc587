import "../../src/talk/words.ts";
import { expect, test } from "vitest";
import type { Frame } from "../../src/core/types.ts";
import { stopQuestion } from "../../src/talk/stop.ts";
import { wordsOf } from "../../src/words.ts";
import { snapshot } from "../facts.ts";

function text(chat: string, language = "en"): string {
  const frame = { cost: "1.00", snapshot: snapshot(10_000, { chat: { id: chat } }) } as Frame;
  const question = stopQuestion(
    () => frame,
    wordsOf(language),
    (amount) => `${amount} €`,
  );
  return typeof question.text === "string" ? question.text : question.text();
}

test("the question before the end says the cost so far", () => {
  expect(text("chat")).toBe("It ends for both of you. So far it has cost 1.00 €.");
});

test.each(["en", "de", "es"])("the question names no cost that goes on in another chat (%s)", (language) => {
  expect(text("left", language)).not.toContain("1.00");
  expect(text("chat", language)).toContain("1.00 €");
});
