import { expect, test } from "vitest";
import type { Problem } from "../../src/core/types.ts";
import type { Viewer } from "../../src/talk/acts.ts";
import { conflictText } from "../../src/talk/conflict.ts";
import { wordsOf } from "../../src/words.ts";
import "../../src/talk/words.ts";

function conflict(more: Partial<Problem>, viewer: Viewer = "user", language = "en"): string | null {
  const problem = { title: "Conflict", status: 409, code: "conflict", ...more };
  return conflictText(problem, viewer, wordsOf(language));
}

test.each([
  ["user", "ended", ["tracking"], "Das Gespräch ist beendet. Jetzt möglich: Noch einmal beginnen."],
  ["advisor", "ended", ["tracking"], "Das Gespräch ist beendet."],
  ["advisor", "requested", ["accept", "decline", "stop"], "Ein Anruf: Die Zeit beginnt, wenn du annimmst."],
  ["advisor", "running", ["pause", "stop"], "Die Zeit läuft. Jetzt möglich: Anhalten, Beenden."],
  ["advisor", "paused", ["stop"], "Angehalten. Jetzt möglich: Beenden."],
  [
    "user",
    "running",
    ["tracking", "stop"],
    "Das Gespräch geht in einem anderen Chat weiter. Jetzt möglich: Hier fortsetzen, Beenden.",
  ],
] as const)("%s: a refusal while the record is %s, with %j", (viewer, state, allowed, words) => {
  expect(conflict({ state, allowed }, viewer, "de")).toBe(words);
});

test("a busy advisor, a new price and a message while no time runs are said as such", () => {
  expect(conflict({ code: "advisor_busy", state: null, allowed: [] })).toContain("in another conversation");
  expect(conflict({ state: "ended", allowed: ["tracking"], tariff_version: 2 })).toContain(
    "The price has changed",
  );
  expect(conflict({ code: "not_running", state: "paused", allowed: ["tracking"] }, "user", "es")).toBe(
    "Puedes escribir mientras corre el tiempo.",
  );
});

test("a state without words, and what can't be refunded, are left to the service's own words", () => {
  expect(conflict({ state: null, allowed: ["chats"] })).toBeNull();
  expect(conflict({ state: "unheard of", allowed: [] })).toBeNull();
  expect(conflict({})).toBeNull();
  expect(conflict({ state: "ended", allowed: ["refunds"], refundable: "1.00" })).toBeNull();
});
