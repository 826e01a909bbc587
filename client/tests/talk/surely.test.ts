import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestProblem } from "../../src/request.ts";
import { pauseSurely, stopSurely } from "../../src/talk/surely.ts";
import { PAUSED, snapshot } from "../facts.ts";

const LOST = new RequestProblem({ title: "lost", status: 0, code: "unreachable" });
const REFUSED = new RequestProblem({ title: "no", status: 403, code: "forbidden" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A call that is lost twice. */
function lostTwice() {
  return vi.fn().mockRejectedValueOnce(LOST).mockRejectedValueOnce(LOST).mockResolvedValue(snapshot(0));
}

/** Whether the page makes its person present, after each of its decisions. */
function presence() {
  const isAway = vi.fn();
  return {
    isAway,
    stayAway: () => {
      isAway(true);
      return () => isAway(false);
    },
  };
}

test("a stop that does not reach the service is made again, for the same record", async () => {
  const [stop, told] = [lostTwice(), vi.fn()];
  const { isAway, stayAway } = presence();
  const stopped = stopSurely(
    { stop, snapshot: snapshot(0, { record: { id: "record" } }), stayAway },
    "record",
    told,
  );
  await vi.advanceTimersByTimeAsync(2000);
  expect(await stopped).toEqual(snapshot(0));
  expect(stop.mock.calls).toEqual(Array(3).fill([{ recordId: "record" }]));
  expect(told.mock.calls).toEqual([[true], [true], [false]]);
  expect(isAway.mock.calls).toEqual([[true], [false]]);
});

test("a pause that does not reach the service is made again", async () => {
  const [pause, told] = [lostTwice(), vi.fn()];
  const { isAway, stayAway } = presence();
  const paused = pauseSurely({ pause, snapshot: snapshot(0), stayAway }, told);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await paused).toEqual(snapshot(0));
  expect(pause).toHaveBeenCalledTimes(3);
  expect(told.mock.calls).toEqual([[true], [true], [false]]);
  expect(isAway.mock.calls).toEqual([[true], [false]]);
});

test("a pause that did not reach the service does not pause the next record", async () => {
  const chat = { pause: lostTwice(), snapshot: snapshot(0), ...presence() };
  const paused = pauseSurely(chat, vi.fn());
  await vi.advanceTimersByTimeAsync(500);
  chat.snapshot = snapshot(0, { record: { id: "another" } });
  await vi.advanceTimersByTimeAsync(500);
  expect(await paused).toBeNull();
  expect(chat.pause).toHaveBeenCalledTimes(1);
  expect(chat.isAway.mock.calls).toEqual([[true], [false]]);
});

test.each([{ state: "paused", reason: "paused" } as const, { state: "ended", reason: "stopped" } as const])(
  "a pause is made no more once somebody else has seen to it: %o",
  async (record) => {
    const chat = { pause: vi.fn(() => Promise.reject(LOST)), snapshot: snapshot(0), ...presence() };
    const told = vi.fn();
    const paused = pauseSurely(chat, told);
    await vi.advanceTimersByTimeAsync(1500);
    chat.snapshot = snapshot(0, { ...PAUSED, record });
    await vi.advanceTimersByTimeAsync(500);
    expect(await paused).toBeNull();
    expect(chat.pause).toHaveBeenCalledTimes(2);
    expect(told.mock.lastCall).toEqual([false]);
  },
);

test("a stop goes on after a pause by somebody else, and no longer than to the end", async () => {
  const chat = { stop: vi.fn(() => Promise.reject(LOST)), snapshot: snapshot(0), ...presence() };
  const stopped = stopSurely(chat, chat.snapshot.record?.id, vi.fn());
  chat.snapshot = snapshot(0, PAUSED);
  await vi.advanceTimersByTimeAsync(1500);
  expect(chat.stop).toHaveBeenCalledTimes(2);
  chat.snapshot = snapshot(0, { ...PAUSED, record: { state: "ended", reason: "stopped" } });
  await vi.advanceTimersByTimeAsync(500);
  expect(await stopped).toBeNull();
});

test("a refused call is not made again", async () => {
  const refuse = () => Promise.reject(REFUSED);
  const told = vi.fn();
  const { isAway, stayAway } = presence();
  await expect(stopSurely({ stop: refuse, snapshot: null, stayAway }, "record", told)).rejects.toBe(REFUSED);
  await expect(pauseSurely({ pause: refuse, snapshot: null, stayAway }, told)).rejects.toBe(REFUSED);
  expect(told).not.toHaveBeenCalled();
  expect(isAway).not.toHaveBeenCalled();
});
