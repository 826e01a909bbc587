import { expect, test } from "vitest";
import vectors from "../../../tests/vectors/display.json" with { type: "json" };
import { measure } from "../../src/core/meter.ts";
import type { Snapshot } from "../../src/core/types.ts";

test.each(vectors.map((vector) => [vector.id, vector] as const))(
  "%s: the screen shows what the vectors say",
  (_, { snapshot, shown }) => {
    for (const expected of shown) {
      const at = Date.parse(expected.at);
      const screen = measure(snapshot as unknown as Snapshot, at);
      expect({
        at: expected.at,
        elapsed_ms: screen.elapsedMs,
        chat_elapsed_ms: screen.chatElapsedMs,
        free_ms: screen.freeMs,
        billed_ms: screen.billedMs,
        cost: screen.cost,
        credits: screen.balance,
      }).toEqual({
        at: expected.at,
        elapsed_ms: expected.elapsed_ms,
        chat_elapsed_ms: expected.chat_elapsed_ms,
        free_ms: expected.free_ms,
        billed_ms: expected.billed_ms,
        cost: expected.cost,
        credits: expected.credits,
      });
      // The service tells a screen of a pause. Until then the time on the screen has stopped at the same millisecond.
      if (snapshot.timer.running) expect(screen.nextMs !== null).toBe(expected.state === "running");
    }
  },
);
