// @vitest-environment happy-dom
import "../../src/talk/words.ts";
import { expect, test, vi } from "vitest";
import type { Frame, Snapshot } from "../../src/core/types.ts";
import { RequestProblem } from "../../src/request.ts";
import { agreesToStop, stopSurely } from "../../src/talk/stop.ts";
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

test("a stop that does not reach the service is sent again, and a refused one is not", async () => {
  vi.useFakeTimers();
  const lost = new RequestProblem({ title: "lost", status: 0, code: "unreachable" });
  const stop = vi.fn().mockRejectedValueOnce(lost).mockRejectedValueOnce(lost).mockResolvedValue(snapshot(0));
  const told = vi.fn();
  const stopped = stopSurely({ stop }, "record", told);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await stopped).toEqual(snapshot(0));
  expect(stop.mock.calls).toEqual([
    [{ recordId: "record" }],
    [{ recordId: "record" }],
    [{ recordId: "record" }],
  ]);
  expect(told).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
  const refused = new RequestProblem({ title: "no", status: 403, code: "forbidden" });
  await expect(stopSurely({ stop: () => Promise.reject(refused) }, "record", told)).rejects.toBe(refused);
});
