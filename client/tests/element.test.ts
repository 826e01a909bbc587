// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import type { Problem, Snapshot } from "../src/core/types.ts";
import {
  type Chat,
  connect,
  RequestProblem,
  setWords,
  type TalkTimeElement,
  type Talktime,
} from "../src/index.ts";
import { PAUSED, snapshot } from "./facts.ts";
import { Service } from "./service.ts";

let service: Service;
let talktime: Talktime;
let chat: Chat;
let element: TalkTimeElement;

/** The running record of `facts.ts` as of now, started `ms` ago. */
function begun(ms: number, changes: Parameters<typeof snapshot>[1] = {}): Snapshot {
  const iso = (instant: number) => new Date(instant).toISOString();
  const now = Date.now();
  const facts = snapshot(ms, changes);
  const timer = { since: iso(now - ms), lease_until: iso(now + 30_000), ...changes.timer };
  return { ...facts, server_time: iso(now), timer: { ...facts.timer, ...timer } };
}

function text(role: string): string {
  return element.shadowRoot?.querySelector(`[data-role=${role}]`)?.textContent ?? "";
}

function aloud(): string {
  return element.shadowRoot?.querySelector("[aria-live]")?.textContent ?? "";
}

function state(): string | null {
  return element.getAttribute("state");
}

// The WebSocket of happy-dom never lowers `bufferedAmount`; browsers and this one do.
vi.stubGlobal("WebSocket", WebSocket);

beforeEach(async () => {
  sessionStorage.clear();
  service = await Service.start();
  service.snapshot = () => begun(61_000);
  talktime = connect({ url: service.url, token: async () => "token" });
  chat = talktime.watch("chat");
  element = document.createElement("talk-time") as TalkTimeElement;
  element.chat = chat;
  document.body.append(element);
});

afterEach(() => {
  element.remove();
  talktime.close();
  service.stop();
  vi.unstubAllGlobals();
  vi.stubGlobal("WebSocket", WebSocket);
});

const soon = { timeout: 10_000, interval: 10 };
vi.setConfig({ testTimeout: 30_000 });

test("the element shows no digits before it knows them, then counts", async () => {
  expect([state(), text("elapsed"), element.getAttribute("role")]).toEqual(["syncing", "--:--", "timer"]);
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  expect(text("elapsed")).toBe("1:01");
  expect([text("credits"), text("free")]).toEqual(["4.00", ""]); // nothing was free, so none is left
  await vi.waitFor(() => expect(text("elapsed")).toMatch(/^1:0[2-9]$/), soon);
  const { elapsedMs, errorMs, balance } = element.reading;
  expect(elapsedMs).toBeGreaterThanOrEqual(62_000);
  expect(errorMs).toBeLessThan(100);
  expect(balance).toBe("4.00");
});

test("the client says hello, watches its chats and pings, in that order", async () => {
  await vi.waitFor(() => expect(service.count("ping")).toBeGreaterThan(1), soon);
  expect(service.received.slice(0, 2)).toEqual([
    { type: "hello", token: "token" },
    { type: "watch", chat_id: "chat" },
  ]);
});

test("the final number replaces the running one", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const facts = begun(60_500, PAUSED);
  service.tell({ ...facts, sequence: 2 });
  await vi.waitFor(() => expect(state()).toBe("paused"), soon);
  expect([text("elapsed"), element.getAttribute("reason")]).toEqual(["1:00", "paused"]);
});

test("a timer that failed to start says so instead of counting", async () => {
  service.snapshot = () => begun(0, { ...PAUSED, record: { state: "paused", reason: "timer_failed" } });
  await vi.waitFor(() => expect(text("elapsed")).toBe("starting…"), soon);
  expect(state()).toBe("paused");
});

test("in a chat that the record has left the timer is paused, with the reason switched", async () => {
  service.snapshot = () => begun(5000, { record: { current_chat_id: "other" }, timer: { running: false } });
  await vi.waitFor(() => expect(element.getAttribute("reason")).toBe("switched"), soon);
  expect(state()).toBe("paused");
});

test("the client reconnects by itself, watches again, and never shows less time", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const shown = element.reading.elapsedMs ?? Number.NaN;
  service.hangUp(1012);
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), soon);
  expect(element.reading.elapsedMs).toBeGreaterThanOrEqual(shown);
  const answer = begun(61_900, PAUSED);
  service.snapshot = null;
  await vi.waitFor(() => expect(service.count("watch")).toBe(2), soon);
  await vi.waitFor(() => expect(service.count("ping")).toBeGreaterThan(2), soon);
  // The facts may have changed meanwhile: the timer does not run again before a new snapshot.
  expect(state()).toBe("reconnecting");
  service.tell({ ...answer, server_time: new Date().toISOString(), sequence: 9 });
  await vi.waitFor(() => expect(state()).toBe("paused"), soon);
  expect(text("elapsed")).toBe("1:01");
  expect(service.count("watch")).toBe(2);
});

test("the client asks for a new token once; a second refusal is final", async () => {
  const codes: string[] = [];
  talktime.onProblem((problem) => codes.push(problem.code));
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  service.answering = false;
  service.hangUp(4401);
  await vi.waitFor(() => expect(service.count("hello")).toBe(2), soon);
  service.hangUp(4401);
  await vi.waitFor(() => expect(codes).toEqual(["unauthorized"]), soon);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(service.connections).toBe(2);
});

/** Lets the timer run into the end of its lease. Returns the end of a renewed lease. */
async function untilLeaseEnds(): Promise<string> {
  service.snapshot = () =>
    begun(61_000, { timer: { lease_until: new Date(Date.now() + 300).toISOString() } });
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(element.reading.elapsedMs).toBeLessThan(61_400);
  return new Date(Date.now() + 30_000).toISOString();
}

test("the client answers a heartbeat at once, and uses the renewed lease", async () => {
  const lease = await untilLeaseEnds();
  service.say({ type: "heartbeat", s2: Date.now(), epoch: "a", leases: { chat: lease } });
  await vi.waitFor(() => expect(service.count("heartbeat")).toBe(1), soon);
  expect(element.reading.elapsedMs).toBeGreaterThan(61_500);
});

test("the digits run on with a lease that the service has renewed", async () => {
  const lease = await untilLeaseEnds();
  service.say({ type: "leases", leases: { chat: lease } });
  await vi.waitFor(() => expect(element.reading.elapsedMs).toBeGreaterThan(61_500), soon);
});

test("a connection that only looks open is dropped after 2.5 heartbeats", async () => {
  await vi.waitFor(() => expect(service.count("ping")).toBeGreaterThan(2), soon);
  for (const s2 of [Date.now() - 1000, Date.now()])
    service.say({ type: "heartbeat", s2, epoch: "a", leases: {} });
  await vi.waitFor(() => expect(service.count("heartbeat")).toBe(2), soon);
  service.answering = false;
  const silent = Date.now();
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), soon);
  // Not earlier; anything later than `soon` has failed already.
  expect(Date.now() - silent).toBeGreaterThan(2000);
});

test("a connection over which no pong comes is given up within five seconds of the ping", async () => {
  await vi.waitFor(() => expect(service.count("ping")).toBe(3), soon);
  service.answering = false;
  // The next ping of the burst: no heartbeat has come yet, so only the missing pong can tell.
  await vi.waitFor(() => expect(service.count("ping")).toBe(4), soon);
  const pinged = Date.now();
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), soon);
  expect(Date.now() - pinged).toBeLessThan(5000);
});

test("while digits run, a loss is noticed within five seconds although no ping is due", async () => {
  // The sixth ping of the burst: the seventh comes three and a half seconds later.
  await vi.waitFor(() => expect(service.count("ping")).toBe(6), soon);
  service.answering = false;
  const lost = Date.now();
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), soon);
  expect(Date.now() - lost).toBeLessThan(5500);
});

test("a page that is told to be offline gives up its connection, and connects again when it is not", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  dispatchEvent(new Event("offline"));
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), { timeout: 1000, interval: 10 });
  dispatchEvent(new Event("online"));
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
});

test("after a gap in the sequence the client asks once for the snapshot, and ignores older snapshots", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const older = begun(10_000, PAUSED);
  await new Promise((resolve) => setTimeout(resolve, 5));
  service.snapshot = () => ({ ...begun(61_200), sequence: 5 });
  service.tell({ ...begun(61_200), sequence: 5 });
  await vi.waitFor(() => expect(service.count("watch")).toBe(2), soon);
  service.tell({ ...older, sequence: 6 });
  service.tell({ ...begun(61_200, { balance: "3.50" }), sequence: 7 });
  await vi.waitFor(() => expect(text("credits")).toBe("3.50"), soon);
  expect(service.count("watch")).toBe(2);
});

test("the element speaks when paid time starts, when the credit nearly ends, and at the end", async () => {
  const ends = (ms: number) => ({ cut_at: new Date(Date.now() + ms).toISOString() });
  service.snapshot = () => begun(61_000, { allowance_ms: 62_000, timer: ends(60_900) });
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  expect([text("free"), aloud(), element.hasAttribute("paid")]).toEqual(["0:01", "", false]);
  await vi.waitFor(() => expect(aloud()).toBe("Paid time starts now"), soon);
  expect(element.hasAttribute("paid")).toBe(true);
  const running = begun(62_500, { allowance_ms: 62_000, timer: ends(30_500) });
  service.tell({ ...running, sequence: 2 });
  await vi.waitFor(() => expect(aloud()).toBe("30 seconds left"), soon);
  service.tell({
    ...begun(63_000, { ...PAUSED, record: { state: "ended", reason: "stopped" } }),
    sequence: 3,
  });
  await vi.waitFor(() => expect(aloud()).toBe("The conversation has ended"), soon);
});

test("words are those of the language of the element or of what it is in, those for screen readers too", async () => {
  const words = () => [
    text("topup"),
    element.shadowRoot?.querySelector<HTMLElement>("[data-role=free]")?.dataset.label,
  ];
  expect(words()).toEqual(["Top up", "Free left"]);
  element.lang = "es";
  expect(words()).toEqual(["Recargar", "Gratis"]);
  const place = document.createElement("div");
  place.lang = "de-AT";
  document.body.append(place);
  element.removeAttribute("lang");
  place.append(element);
  expect(words()).toEqual(["Aufladen", "Noch frei"]);
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  service.tell({
    ...begun(63_000, { ...PAUSED, record: { state: "ended", reason: "stopped" } }),
    sequence: 2,
  });
  await vi.waitFor(() => expect(aloud()).toBe("Das Gespräch ist beendet"), soon);
  place.remove();
});

test("a host replaces words, and adds a language: what it lacks is English", () => {
  const topUp = () => text("topup");
  setWords("de-CH", { topUp: "Guthaben laden" });
  element.lang = "de-CH";
  expect(topUp()).toBe("Guthaben laden");
  element.lang = "de";
  expect(topUp()).toBe("Aufladen");
  element.lang = "fr";
  expect(topUp()).toBe("Top up");
  setWords("fr", { free: "Offert" });
  expect([
    topUp(),
    element.shadowRoot?.querySelector<HTMLElement>("[data-role=free]")?.dataset.label,
  ]).toEqual(["Top up", "Offert"]);
});

test("credit is shown in the currency and the language of the element", async () => {
  await vi.waitFor(() => expect(text("credits")).toBe("4.00"), soon);
  element.lang = "de";
  expect(text("credits")).toBe("4,00");
  element.removeAttribute("lang");
  element.setAttribute("currency", "EUR");
  expect(text("credits")).toBe("€4.00");
  element.lang = "de";
  expect(text("credits")).toBe("4,00\u00a0€");
  element.setAttribute("currency", "gold");
  expect(text("credits")).toBe("4.00");
});

test("the top-up button tells the host", () => {
  const heard = vi.fn();
  document.addEventListener("topup", heard, { once: true });
  element.shadowRoot?.querySelector("button")?.click();
  expect(heard).toHaveBeenCalledOnce();
});

test("a message is stored once: by the channel, or by HTTP under the same id", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const message = { id: "m", chat_id: "chat", position: 1, sender: "user", at: "", text: "hello" } as const;
  const sent = chat.sendMessage("hello", "first");
  await vi.waitFor(() => expect(service.count("message")).toBe(1), soon);
  service.say({ type: "message", chat_id: "chat", message: { ...message, client_id: "first" } });
  expect((await sent).client_id).toBe("first");
  expect(service.calls).toEqual([]);

  service.answer = ({ body }) => [201, { ...message, ...(body as object) }];
  service.hangUp(1012);
  await vi.waitFor(() => expect(state()).toBe("reconnecting"), soon);
  expect((await chat.sendMessage("again", "second")).client_id).toBe("second");
  expect(service.calls).toEqual([
    {
      method: "POST",
      path: "/v1/chats/chat/messages",
      key: "second",
      body: { text: "again", client_id: "second" },
    },
  ]);
});

test("a message that the channel refuses rejects with the problem", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const sent = chat.sendMessage("", "bad");
  const problem = { title: "No text", status: 422, code: "invalid_request" };
  await vi.waitFor(() => expect(service.count("message")).toBe(1), soon);
  service.say({ type: "problem", problem, chat_id: "chat", client_id: "bad" });
  await expect(sent).rejects.toThrow(RequestProblem);
});

test("the answer to an act is shown at once, and a refusal is a problem with a code", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  service.answer = () => [200, begun(61_000, PAUSED)];
  await chat.pause();
  await vi.waitFor(() => expect(state()).toBe("paused"), soon);
  expect(service.calls[0]).toMatchObject({ method: "POST", path: "/v1/chats/chat/pause" });
  expect(service.calls[0]?.key).toMatch(/^[0-9a-f]{32}$/);

  service.answer = () => [402, { title: "Not enough credit", code: "insufficient_credit", required: "1.00" }];
  const refusal = await chat.start().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(RequestProblem);
  expect((refusal as RequestProblem).problem).toMatchObject({
    status: 402,
    code: "insufficient_credit",
    required: "1.00",
  });
});

test("an element with attributes and a token opens its own connection, and closes it when it is removed", async () => {
  const own = document.createElement("talk-time") as TalkTimeElement;
  own.setAttribute("src", service.url);
  own.setAttribute("chat-id", "chat");
  own.token = () => "own token";
  document.body.append(own);
  await vi.waitFor(() => expect(own.getAttribute("state")).toBe("running"), soon);
  expect(service.received).toContainEqual({ type: "hello", token: "own token" });
  own.removeAttribute("chat-id");
  expect([own.chat, own.getAttribute("state")]).toEqual([null, "syncing"]);
  own.setAttribute("chat-id", "chat");
  await vi.waitFor(() => expect(own.getAttribute("state")).toBe("running"), soon);
  own.remove();
  await vi.waitFor(() => expect(own.chat).toBeNull(), soon);
});

test("what a page sets before the module is loaded is taken when the element gets into the page", async () => {
  const early = document.createElement("talk-time") as TalkTimeElement;
  early.setAttribute("src", service.url);
  early.setAttribute("chat-id", "chat");
  // An element that nobody has defined yet keeps what is set as a property of its own.
  Object.defineProperty(early, "token", {
    value: () => "early token",
    configurable: true,
    enumerable: true,
    writable: true,
  });
  document.body.append(early);
  await vi.waitFor(
    () => expect(service.received).toContainEqual({ type: "hello", token: "early token" }),
    soon,
  );
  expect(Object.hasOwn(early, "token")).toBe(false);
  early.remove();
});

test("an element that moves in the page keeps its digits and its connection", async () => {
  const own = document.createElement("talk-time") as TalkTimeElement;
  own.setAttribute("src", service.url);
  own.setAttribute("chat-id", "chat");
  own.token = () => "own token";
  document.body.append(own);
  await vi.waitFor(() => expect(own.getAttribute("state")).toBe("running"), soon);
  const { chat, textContent: shown } = { chat: own.chat, textContent: own.shadowRoot?.textContent };
  const connections = service.connections;
  const place = document.createElement("div");
  document.body.append(place);
  place.append(own);
  expect([own.getAttribute("state"), own.shadowRoot?.textContent]).toEqual(["running", shown]);
  own.remove();
  await Promise.resolve();
  document.body.prepend(own);
  expect([own.getAttribute("state"), own.chat]).toEqual(["running", chat]);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(own.shadowRoot?.textContent).not.toBe(shown);
  expect([service.connections, service.count("leave")]).toEqual([connections, 0]);
  own.remove();
});

test.each(["http://[", "ftp://talktime.example"])("a src of %s is an event and no exception", async (src) => {
  const own = document.createElement("talk-time") as TalkTimeElement;
  const problems: Problem[] = [];
  own.setAttribute("chat-id", "chat");
  own.setAttribute("src", src);
  document.body.append(own);
  own.token = () => "own token";
  own.addEventListener("problem", (event) => problems.push((event as CustomEvent<Problem>).detail));
  await vi.waitFor(() => expect(problems).toMatchObject([{ status: 0, code: "unreachable" }]), soon);
  expect(problems[0]?.detail).toContain(src);
  own.setAttribute("src", service.url);
  await vi.waitFor(() => expect(own.getAttribute("state")).toBe("running"), soon);
  own.remove();
});

test("an element with its own connection passes on what the live channel refuses", async () => {
  service.snapshot = null;
  const own = document.createElement("talk-time") as TalkTimeElement;
  const codes: string[] = [];
  const hear = (event: Event) => codes.push((event as CustomEvent<Problem>).detail.code);
  document.body.addEventListener("problem", hear);
  own.setAttribute("src", service.url);
  own.setAttribute("chat-id", "unknown");
  own.token = () => "own token";
  document.body.append(own);
  await vi.waitFor(
    () => expect(service.received).toContainEqual({ type: "watch", chat_id: "unknown" }),
    soon,
  );
  const title = "There is no such chat";
  service.say({
    type: "problem",
    chat_id: "unknown",
    problem: { title, status: 404, code: "not_found", detail: title },
  });
  await vi.waitFor(() => expect(codes).toEqual(["not_found"]), soon);
  own.token = () => Promise.reject(new Error("signed out"));
  await vi.waitFor(() => expect(codes).toEqual(["not_found", "unauthorized"]), soon);
  own.remove();
  document.body.removeEventListener("problem", hear);
});

test("an element without a chat shows no digits", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  element.chat = null;
  expect([state(), text("elapsed"), text("credits"), text("free")]).toEqual(["syncing", "--:--", "", ""]);
  element.chat = chat;
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
});

test("a listener that throws stops neither the timer nor other listeners", async () => {
  const reported = vi.fn();
  vi.stubGlobal("reportError", reported);
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  const stop = chat.onFrame(() => {
    throw new Error("a mistake of the page");
  });
  const frames = vi.fn();
  chat.onFrame(frames);
  await vi.waitFor(() => expect(frames.mock.calls.length).toBeGreaterThan(2), soon);
  expect(reported).toHaveBeenCalled();
  stop();
});

test("a new subscriber first gets the numbers of this moment, not those of the last event", async () => {
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = element.reading.elapsedMs ?? Number.NaN;
  const heard: (number | null)[] = [];
  chat.subscribe((frame) => heard.push(frame.elapsedMs));
  expect(heard[0]).toBeGreaterThanOrEqual(before);
});

test("a client that is closed while it waits for a token stays closed", async () => {
  let answer: (token: string) => void = () => undefined;
  const asked = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
  const other = connect({ url: service.url, token: asked });
  await vi.waitFor(() => expect(asked).toHaveBeenCalled(), soon);
  const connections = service.connections;
  other.close();
  vi.useFakeTimers();
  answer("late");
  await vi.advanceTimersByTimeAsync(20_000);
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(service.connections).toBe(connections);
});

test("a page that only looks says so, and presence once asked for stays", async () => {
  const other = connect({ url: service.url, token: () => "token" });
  const watches = () => service.received.filter(({ type }) => type === "watch");
  other.watch("list", { presence: false });
  const only = { type: "watch", chat_id: "list", presence: false };
  await vi.waitFor(() => expect(service.received).toContainEqual(only), soon);
  other.watch("list");
  await vi.waitFor(() => expect(watches()).toContainEqual({ type: "watch", chat_id: "list" }), soon);
  const count = watches().length;
  other.watch("list", { presence: false });
  other.unwatch("list");
  await vi.waitFor(() => expect(service.received).toContainEqual({ type: "leave", chat_id: "list" }), soon);
  expect(watches().length).toBe(count);
  other.watch("looked at", { presence: false });
  other.unwatch("looked at");
  await vi.waitFor(
    () => expect(service.received).toContainEqual({ type: "unwatch", chat_id: "looked at" }),
    soon,
  );
  other.close();
});

test("a person who stays away is present only once the person comes back, on a new connection too", async () => {
  const other = connect({ url: service.url, token: () => "token" });
  const seen = other.watch("left");
  const watches = () => service.received.filter((message) => message.type === "watch");
  const present = { type: "watch", chat_id: "left" };
  await vi.waitFor(() => expect(watches()).toContainEqual(present), soon);
  const comeBack = seen.stayAway();
  const before = watches().length;
  service.hangUp(1012);
  await vi.waitFor(() => expect(watches().slice(before)).toEqual([{ ...present, presence: false }]), soon);
  comeBack();
  await vi.waitFor(() => expect(watches().at(-1)).toEqual(present), soon);
  const last = seen.stayAway();
  const count = watches().length;
  other.unwatch("left");
  last();
  await vi.waitFor(() => expect(service.count("leave")).toBeGreaterThan(0), soon);
  expect(watches().length).toBe(count);
  other.close();
});

test("the element shows the record's time, and the chat's own time on request", async () => {
  service.snapshot = () => begun(61_000, { elapsed_ms: 125_000 });
  const other = connect({ url: service.url, token: () => "token" });
  element.chat = other.watch("chat");
  await vi.waitFor(() => expect(text("elapsed")).toBe("2:05"), soon);
  expect(Math.floor((element.reading.elapsedMs ?? 0) / 1000)).toBeGreaterThanOrEqual(125);
  element.setAttribute("of", "chat");
  await vi.waitFor(() => expect(text("elapsed")).toMatch(/^1:0[1-3]$/), soon);
  expect(element.reading.elapsedMs ?? 0).toBeLessThan(70_000);
  element.removeAttribute("of");
  await vi.waitFor(() => expect(text("elapsed")).toMatch(/^2:0[5-9]$/), soon);
  other.close();
});

test("an advisor's screen has no credits of the user, and what the advisor earns goes on with the time", async () => {
  const terms = { share_percent: 50, fee_per_minute: "0.00", fee_per_session: "0.00" };
  service.snapshot = () => begun(59_000, { balance: null, earned: "0.50", terms });
  const other = connect({ url: service.url, token: () => "token" });
  const seen = other.watch("chat");
  await vi.waitFor(() => expect(seen.frame().state).toBe("running"), soon);
  expect([seen.reading().balance, seen.frame().earned, seen.frame().cost]).toEqual([null, "0.50", "1.00"]);
  await vi.waitFor(() => expect(seen.frame().earned).toBe("1.00"), soon);
  expect(seen.frame().cost).toBe("2.00");
  element.chat = seen;
  await vi.waitFor(() => expect(text("elapsed")).toMatch(/^1:0/), soon);
  expect(text("credits")).toBe("");
  other.close();
});

test("an element with the attribute observe only looks", async () => {
  const other = document.createElement("talk-time") as TalkTimeElement;
  other.setAttribute("src", service.url);
  other.setAttribute("chat-id", "observed");
  other.setAttribute("observe", "");
  other.token = () => "token";
  document.body.append(other);
  const only = { type: "watch", chat_id: "observed", presence: false };
  await vi.waitFor(() => expect(service.received).toContainEqual(only), soon);
  other.removeAttribute("observe");
  const present = { type: "watch", chat_id: "observed" };
  await vi.waitFor(() => expect(service.received).toContainEqual(present), soon);
  other.remove();
});

test("a page that closes says so on its socket and by a beacon, for the chats in which it is present", async () => {
  const beacons: [string, string][] = [];
  vi.stubGlobal("navigator", {
    sendBeacon: (url: string, body: string) => beacons.push([url, body]) > 0,
  });
  await vi.waitFor(() => expect(state()).toBe("running"), soon);
  talktime.watch("looked at", { presence: false });
  dispatchEvent(new Event("pagehide"));
  await vi.waitFor(() => expect(service.received).toContainEqual({ type: "leave", chat_id: "chat" }), soon);
  expect(service.count("leave")).toBe(1);
  expect(beacons).toEqual([[`${service.url}/v1/chats/chat/leave`, '{"token":"token"}']]);
  // The browser shows the same page again, from its cache.
  const watched = service.count("watch");
  dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true }));
  await vi.waitFor(() => expect(service.count("watch")).toBe(watched + 2), soon);
});

test("the client works in a browser that keeps nothing for a page", async () => {
  const refuse = () => {
    throw new DOMException("blocked", "SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: refuse, setItem: refuse });
  const other = connect({ url: service.url, token: () => "token" });
  const frames: (number | null)[] = [];
  other.watch("chat").onFrame((frame) => frames.push(frame.elapsedMs));
  await vi.waitFor(() => expect(frames.at(-1)).toBeGreaterThan(60_000), soon);
  other.close();
});
