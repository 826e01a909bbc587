// @vitest-environment happy-dom
/** When the painter paints. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Painter } from "../src/painter.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a paint that fails is reported, and the next paint follows a second later", () => {
  const paint = vi.fn<() => number | null>().mockReturnValue(null);
  paint.mockImplementationOnce(() => {
    throw new Error("a script of the page has replaced WebSocket.send");
  });
  const painter = new Painter(paint, () => undefined);
  painter.request();
  expect(() => vi.advanceTimersByTime(100)).toThrow("replaced WebSocket.send");
  expect(paint).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(1100);
  expect(paint).toHaveBeenCalledTimes(2);
});
