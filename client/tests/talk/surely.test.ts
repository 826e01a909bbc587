import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestProblem } from "../../src/request.ts";
import { pauseSurely, stopSurely } from "../../src/talk/surely.ts";
import { snapshot } from "../facts.ts";

const LOST = new RequestProblem({ title: "lost", status: 0, code: "unreachable" });
const REFUSED = new RequestProblem({ title: "no", status: 403, code: "forbidden" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A call that is lost twice. */
function lostTwice() {
  return vi.fn().mockRejectedValueOnce(LOST).mockRejectedValueOnce(LOST).mockResolvedValue(snapshot(0));
}

test("a stop that does not reach the service is made again, for the same record", async () => {
  const [stop, told] = [lostTwice(), vi.fn()];
  const stopped = stopSurely({ stop }, "record", told);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await stopped).toEqual(snapshot(0));
  expect(stop.mock.calls).toEqual(Array(3).fill([{ recordId: "record" }]));
  expect(told.mock.calls).toEqual([[LOST], [LOST]]);
});

test("a pause that does not reach the service is made again", async () => {
  const [pause, told] = [lostTwice(), vi.fn()];
  const paused = pauseSurely({ pause, snapshot: snapshot(0) }, told);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await paused).toEqual(snapshot(0));
  expect(pause).toHaveBeenCalledTimes(3);
  expect(told.mock.calls).toEqual([[LOST], [LOST]]);
});

test("a pause that did not reach the service does not pause the next record", async () => {
  const chat = { pause: lostTwice(), snapshot: snapshot(0) };
  const paused = pauseSurely(chat, vi.fn());
  await vi.advanceTimersByTimeAsync(500);
  chat.snapshot = snapshot(0, { record: { id: "another" } });
  await vi.advanceTimersByTimeAsync(500);
  expect(await paused).toBeNull();
  expect(chat.pause).toHaveBeenCalledTimes(1);
});

test("a refused call is not made again", async () => {
  const refuse = () => Promise.reject(REFUSED);
  await expect(stopSurely({ stop: refuse }, "record", vi.fn())).rejects.toBe(REFUSED);
  await expect(pauseSurely({ pause: refuse, snapshot: null }, vi.fn())).rejects.toBe(REFUSED);
});
