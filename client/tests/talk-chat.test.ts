// @vitest-environment happy-dom
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { manifest } from "../manifest.ts";
import { setWords, TalkChatElement, type TalkTimeElement } from "../src/talk-chat.ts";
import { wordsOf } from "../src/words.ts";
import { PAUSED, snapshot } from "./facts.ts";
import { type Call, Service } from "./service.ts";

let service: Service;
let element: TalkChatElement;

vi.stubGlobal("WebSocket", WebSocket);
vi.setConfig({ testTimeout: 30_000 });
const soon = { timeout: 10_000, interval: 10 };

/** The record of `facts.ts` as of now. */
function now(changes: Parameters<typeof snapshot>[1] = {}) {
  const iso = (ms: number) => new Date(Date.now() + ms).toISOString();
  const facts = snapshot(61_000, changes);
  const timer = { since: iso(-61_000), lease_until: iso(30_000), ...changes.timer };
  return { ...facts, server_time: iso(0), timer: { ...facts.timer, ...timer } };
}

const HELLO = {
  id: "m",
  chat_id: "chat",
  position: 1,
  sender: "advisor",
  at: "2026-01-05T10:00:00Z",
  text: "Good day",
};

beforeEach(async () => {
  service = await Service.start();
  service.snapshot = () => now();
  service.answer = ({ method, path }: Call) => {
    if (method === "GET" && path.includes("/messages"))
      return [200, { messages: [{ ...HELLO, client_id: "a" }], next: null }];
    if (path.endsWith("/pause")) return [200, { ...now(PAUSED), sequence: 2 }];
    return [404, { title: "Not here", code: "not_found" }];
  };
  element = document.createElement("talk-chat");
  element.setAttribute("chat-id", "chat");
  element.setAttribute("src", service.url);
  element.token = () => "token";
  document.body.append(element);
});

afterEach(() => {
  element.remove();
  service.stop();
});

function part(name: string): HTMLElement {
  const found = element.shadowRoot?.querySelector<HTMLElement>(`[part=${name}]`);
  if (!found) throw new Error(`no part ${name}`);
  return found;
}

function offered(): string[] {
  return [...(element.shadowRoot?.querySelectorAll<HTMLButtonElement>("[part=acts] button") ?? [])]
    .filter(({ hidden }) => !hidden)
    .map((button) => button.textContent ?? "");
}

test("it shows the timer, the cost, the messages, and what the user can do", async () => {
  await vi.waitFor(() => expect(offered()).toEqual(["Pause", "Stop"]), soon);
  await vi.waitFor(() => expect(part("time").getAttribute("state")).toBe("running"), soon);
  expect(part("status").textContent).toBe("Paid time");
  await vi.waitFor(() => expect(part("log").textContent).toContain("Good day"), soon);
  part("pause").click();
  await vi.waitFor(() => expect(part("status").textContent).toBe("Paused"), soon);
  const pauses = expect.objectContaining({ method: "POST", path: "/v1/chats/chat/pause" });
  expect(service.calls).toContainEqual(pauses);
});

test("both parties see until when time can go on, and the advisor what it has earned", async () => {
  const ends = new Date(2026, 0, 5, 13, 51).getTime();
  vi.setSystemTime(ends - 600_000);
  const cut_at = new Date(ends).toISOString();
  const other = { elapsed_ms: 1000, allowance_ms: 0, cut_at, tariff: now().tariff };
  service.snapshot = () => now({ timer: { cut_at }, also_running: [other] });
  const status = () => part("status").textContent;
  await vi.waitFor(
    () => expect(status()).toBe("Paid time · until 1:51 PM · another conversation of yours runs, too"),
    soon,
  );
  element.setAttribute("party", "advisor");
  const terms = { share_percent: 60, fee_per_minute: "0.00", fee_per_session: "0.00" };
  service.tell({ ...now({ timer: { cut_at }, terms, balance: null }), sequence: 2 });
  await vi.waitFor(() => expect(part("cost").textContent).toBe("Cost 2.00 · Earned 1.20"), soon);
  expect(status()).toContain("until 1:51");
  service.tell({ ...now({ timer: { cut_at: new Date(ends + 86_400_000).toISOString() } }), sequence: 3 });
  await vi.waitFor(() => expect(status()).toBe("Paid time"), soon);
  vi.useRealTimers();
});

test("a message that is written is sent", async () => {
  await vi.waitFor(() => expect(part("log").textContent).toContain("Good day"), soon);
  (part("field") as HTMLTextAreaElement).value = "Hello";
  (part("composer") as HTMLFormElement).requestSubmit();
  await vi.waitFor(
    () =>
      expect(service.received).toContainEqual(expect.objectContaining({ type: "message", text: "Hello" })),
    soon,
  );
});

test("nobody writes while no time runs, unless the host allows it", async () => {
  service.snapshot = () => now(PAUSED);
  element.setAttribute("party", "user");
  const field = () => part("field") as HTMLTextAreaElement;
  const cannotSend = () => (part("send") as HTMLButtonElement).disabled;
  await vi.waitFor(() => expect(part("status").textContent).toBe("Paused"), soon);
  // The field keeps its focus, and what the party writes meanwhile.
  expect([field().disabled, cannotSend()]).toEqual([false, true]);
  field().value = "Are you there?";
  (part("composer") as HTMLFormElement).requestSubmit();
  expect([field().value, service.count("message")]).toEqual(["Are you there?", 0]);
  expect(part("why").textContent).toBe("You can write while the time runs.");
  element.lang = "de";
  expect(part("why").textContent).toContain("solange die Zeit");
  element.setAttribute("messages-when-stopped", "allow");
  expect([cannotSend(), part("why").hidden]).toEqual([false, true]);
  element.removeAttribute("messages-when-stopped");
  service.tell({ ...now(), sequence: 2 });
  await vi.waitFor(() => expect([cannotSend(), part("why").hidden]).toEqual([false, true]), soon);
});

test("a top-up promises nothing while the advisor is not there, and a refusal ends with the next news", async () => {
  const out = { ...PAUSED, record: { ...PAUSED.record, reason: "out_of_credit" as const } };
  const presence = { user: true, advisor: true, until: null };
  const waits = { ...out, elapsed_ms: 60_000, balance: "0.00" };
  service.snapshot = () => now({ ...waits, presence });
  element.setAttribute("party", "user");
  const status = () => part("status").textContent;
  await vi.waitFor(() => expect(status()).toContain("The credit has run out. Top up 1.00 or more and"), soon);
  service.tell({ ...now({ ...waits, presence: { ...presence, advisor: false } }), sequence: 2 });
  await vi.waitFor(() => expect(status()).toBe("The credit has run out. · The advisor isn’t here"), soon);
  service.say({ type: "problem", problem: { title: "No", status: 429, code: "rate_limited" } });
  await vi.waitFor(() => expect(part("problem").hidden).toBe(false), soon);
  service.tell({ ...now({ ...waits, balance: "5.00", presence }), sequence: 3 });
  await vi.waitFor(() => expect(status()).toContain("There is credit again. Press Continue"), soon);
  expect([part("problem").hidden, part("resume").hidden]).toEqual([true, false]);
});

test("the focus goes to what takes the place of a button that has gone", async () => {
  await vi.waitFor(() => expect(part("pause").hidden).toBe(false), soon);
  part("pause").focus();
  service.tell({ ...now(PAUSED), sequence: 2 });
  await vi.waitFor(() => expect(element.shadowRoot?.activeElement).toBe(part("resume")), soon);
});

test("it says whether the other party is there, and for whom the record waits", async () => {
  const presence = { user: true, advisor: true, until: null };
  service.snapshot = () => now({ ...PAUSED, presence });
  await vi.waitFor(() => expect(part("status").textContent).toBe("Paused · The advisor is here"), soon);
  service.tell({ ...now({ ...PAUSED, presence: { ...presence, advisor: false } }), sequence: 2 });
  await vi.waitFor(() => expect(part("status").textContent).toBe("Paused · The advisor isn’t here"), soon);
  const waits = { ...PAUSED, record: { ...PAUSED.record, reason: "advisor_away" as const } };
  service.tell({ ...now({ ...waits, elapsed_ms: 0 }), sequence: 3 });
  await vi.waitFor(() => expect(part("status").textContent).toContain("Waiting for the advisor."), soon);
});

test("a chat that the record has left shows its own time, and no cost or credits that go on elsewhere", async () => {
  await vi.waitFor(() => expect(part("cost").textContent).toContain("Cost"), soon);
  const moved = now({ ...PAUSED, record: { current_chat_id: "another" }, chat: { duration_ms: 30_000 } });
  service.tell({ ...moved, sequence: 2 });
  await vi.waitFor(() => expect(part("cost").textContent).toBe(""), soon);
  expect([part("time").getAttribute("of"), part("time").getAttribute("show")]).toEqual(["chat", "elapsed"]);
  expect((part("time") as TalkTimeElement).reading.elapsedMs).toBe(30_000);
  service.tell({ ...now(), sequence: 3 });
  await vi.waitFor(() => expect(part("cost").textContent).toContain("Cost"), soon);
  expect(part("time").getAttribute("of")).toBe("record");
});

test("a user sends one note of 500 characters before the first second", async () => {
  const waiting = { ...PAUSED, elapsed_ms: 0, record: { ...PAUSED.record, reason: "advisor_away" as const } };
  service.snapshot = () => now(waiting);
  const field = () => part("field") as HTMLTextAreaElement;
  await vi.waitFor(() => expect(field().maxLength).toBe(500), soon);
  expect(part("why").textContent).toContain("one note");
  field().value = "About my cat";
  (part("composer") as HTMLFormElement).requestSubmit();
  await vi.waitFor(() => expect(service.count("message")).toBe(1), soon);
  const { client_id } = service.received.find((message) => message.type === "message") as {
    client_id: string;
  };
  const note = { ...HELLO, id: "n", client_id, sender: "user", position: 2, text: "About my cat" } as const;
  service.say({ type: "message", chat_id: "chat", message: { ...note, at: new Date().toISOString() } });
  await vi.waitFor(() => expect((part("send") as HTMLButtonElement).disabled).toBe(true), soon);
  expect(part("why").textContent).toContain("is sent");
});

test("an advisor accepts a call, and sees no credit", async () => {
  service.snapshot = () => now({ ...PAUSED, record: { state: "requested", reason: null } });
  element.setAttribute("party", "advisor");
  await vi.waitFor(() => expect(offered()).toEqual(["Accept", "Decline"]), soon);
  expect(part("time").getAttribute("show")?.trim()).toBe("elapsed");
  part("accept").click();
  await vi.waitFor(
    () => expect(service.calls).toContainEqual(expect.objectContaining({ path: "/v1/chats/chat/accept" })),
    soon,
  );
  await vi.waitFor(
    () => expect(part("problem").textContent).toBe("That isn’t here, or it isn’t yours."),
    soon,
  );
});

test("a top-up and a bad address are events of the element", async () => {
  const heard: string[] = [];
  for (const name of ["topup", "problem"]) element.addEventListener(name, () => heard.push(name));
  part("time").shadowRoot?.querySelector<HTMLButtonElement>("[data-role=topup]")?.click();
  element.setAttribute("src", "http://[");
  await vi.waitFor(() => expect(heard).toEqual(["topup", "problem"]), soon);
});

test("it speaks the language of the page, in the words of the host", async () => {
  element.lang = "de";
  await vi.waitFor(() => expect(offered()).toEqual(["Anhalten", "Beenden"]), soon);
  setWords("de", { pause: "Pause machen" });
  expect(offered()).toEqual(["Pause machen", "Beenden"]);
  expect(part("time").shadowRoot?.textContent).toContain("Aufladen");
});

test("every language has every word, and the same gaps to fill", () => {
  const gaps = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([gap]) => gap).sort();
  const english = wordsOf("en");
  for (const language of ["de", "es"]) {
    const words = wordsOf(language);
    for (const [name, text] of Object.entries(english)) {
      const translated = words[name as keyof typeof words];
      expect([language, name, gaps(translated)]).toEqual([language, name, gaps(text)]);
      expect([name, translated === text && text.length > 12]).toEqual([name, false]);
    }
  }
});

test("it moves in the page with its messages and its connection", async () => {
  await vi.waitFor(() => expect(part("log").textContent).toContain("Good day"), soon);
  const { connections } = service;
  const place = document.createElement("div");
  document.body.append(place);
  place.append(element);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(part("log").textContent).toContain("Good day");
  expect([service.connections, offered()]).toEqual([connections, ["Pause", "Stop"]]);
});

test("the manifest and the reference describe the element", () => {
  const reference = readFileSync(join(import.meta.dirname, "../../docs/reference/talk-chat.md"), "utf8");
  const described = manifest.modules.find(({ path }) => path === "dist/talk-chat.js")?.declarations?.[0];
  if (described?.kind !== "class" || !("customElement" in described)) throw new Error("no custom element");
  const names = (things: readonly { name?: string | undefined }[] = []) =>
    things.map(({ name }) => name).sort();
  expect(names(described.attributes)).toEqual([...TalkChatElement.observedAttributes].sort());
  expect(names(described.members)).toEqual(["token"]);
  const parts = [...(element.shadowRoot?.querySelectorAll("[part]") ?? [])].map((one) =>
    one.getAttribute("part"),
  );
  expect(names(described.cssParts)).toEqual(parts.sort());
  for (const name of [
    ...names(described.attributes),
    ...names(described.cssParts),
    "token",
    "topup",
    "problem",
  ])
    expect(reference).toContain(`\`${name}\``);
});

test("a start that costs at once says how long the credit lasts, where that is short", async () => {
  const tariff = { tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 1 }] };
  const { answer } = service;
  const ended = (sequence: number) => ({
    ...now({ ...PAUSED, record: { state: "ended", reason: "stopped" } }),
    sequence,
  });
  const question = () => element.shadowRoot?.querySelector("dialog p")?.textContent;
  let currentOffer = {};
  service.answer = (call) =>
    call.path.endsWith("/users/user/offers/advisor") ? [200, currentOffer] : answer(call);
  service.snapshot = () => ended(2);
  element.removeAttribute("src");
  element.setAttribute("src", service.url);
  await vi.waitFor(() => expect(offered()).toEqual(["Start again"]), soon);
  const due = "The first 0.02 is due";
  for (const [offer, text] of [
    [
      { lasts_ms: 57_000 },
      `${due} as soon as time begins. 10 paid minutes cost 10.00. Your credit lasts at most 0:57.`,
    ],
    [{ lasts_ms: 120_000 }, `${due} as soon as time begins. 10 paid minutes cost 10.00.`],
    [{ free_remaining_ms: 2296 }, `${due} after 0:02. 10 paid minutes cost 10.00.`],
    [
      { tariff: { ...tariff, grace_seconds: 30 } },
      "The first 0.52 is due after 0:30. 10 paid minutes cost 10.00.",
    ],
    // The element shows the price nowhere else, so it asks before free time as well.
    [{ free_remaining_ms: 180_000 }, "The first 0.02 is due after 3:00. 10 paid minutes cost 10.00."],
    [
      {
        tariff: {
          tiers: [
            { ...tariff.tiers[0], rate: "0" },
            { ...tariff.tiers[0], from_seconds: 300 },
          ],
        },
      },
      "10 paid minutes cost 5.00.",
    ],
    // A record that ends at a maximum before never costs what 10 minutes would.
    [
      { tariff: { ...tariff, max_cost: "1.50", at_max_cost: "stop" } },
      `${due} as soon as time begins. It ends before it costs more than 1.50.`,
    ],
    [
      { tariff: { ...tariff, max_cost: "10.00", at_max_cost: "stop" } },
      `${due} as soon as time begins. 10 paid minutes cost 10.00.`,
    ],
  ] as const) {
    currentOffer = { tariff, tariff_version: 1, free_remaining_ms: 0, lasts_ms: null, ...offer };
    part("start").click();
    await vi.waitFor(() => expect(question()).toBe(text), soon);
    element.shadowRoot?.querySelector<HTMLButtonElement>("dialog button[value=no]")?.click();
    await vi.waitFor(
      () => expect([question(), part("start").ariaDisabled]).toEqual([undefined, "false"]),
      soon,
    );
  }
  // The question closes when the record begins elsewhere while the person thinks.
  part("start").click();
  await vi.waitFor(() => expect(question()).toContain(due), soon);
  service.tell({ ...now(), sequence: 3 });
  await vi.waitFor(() => expect(question()).toBe(undefined), soon);
  service.tell(ended(4));
  await vi.waitFor(() => expect(offered()).toEqual(["Start again"]), soon);
  // Nobody is asked about a tariff that costs nothing.
  currentOffer = {
    tariff: { tiers: [{ ...tariff.tiers[0], rate: "0" }] },
    tariff_version: 7,
    version: "7-0",
    free_remaining_ms: 0,
    lasts_ms: null,
  };
  part("start").click();
  const started = expect.objectContaining({ body: expect.objectContaining({ offer_version: "7-0" }) });
  await vi.waitFor(() => expect(service.calls).toContainEqual(started), soon);
  await vi.waitFor(() => expect(part("start").ariaDisabled).toBe("false"), soon);
  // A start that can't be paid is not offered.
  currentOffer = { tariff, tariff_version: 1, free_remaining_ms: 0, lasts_ms: 0 };
  part("start").click();
  await vi.waitFor(() => expect(part("problem").textContent).toContain("Top up and try again."), soon);
  expect(question()).toBeUndefined();
});

test("nobody is said to be typing once the time stops", async () => {
  await vi.waitFor(() => expect(offered()).toEqual(["Pause", "Stop"]), soon);
  service.say({ type: "typing", chat_id: "chat", party: "advisor" });
  await vi.waitFor(() => expect(part("typing").textContent).toBe("The advisor is typing…"), soon);
  service.tell({ ...now(PAUSED), sequence: 2 });
  await vi.waitFor(() => expect(part("status").textContent).toContain("Paused"), soon);
  expect(part("typing").textContent).toBe("");
});

test("time within the grace is not called paid", async () => {
  await vi.waitFor(() => expect(part("status").textContent).toBe("Paid time"), soon);
  const tariff = { ...now().tariff, grace_seconds: 90 };
  service.tell({ ...now({ tariff, billed_ms: 0, cost: "0.00" }), sequence: 2 });
  const text = "Not charged if it ends by 1:30";
  await vi.waitFor(() => expect(part("status").textContent).toBe(`${text} · 2.00 held`), soon);
  element.setAttribute("party", "advisor"); // who does not see the user's credit
  await vi.waitFor(() => expect(part("status").textContent).toBe(text), soon);
});

test("while a call rings, the user sees what is held for its beginning", async () => {
  const ring_until = new Date(Date.now() + 60_000).toISOString();
  const facts = { state: "requested", reason: null, starts: "accepted" } as const;
  service.snapshot = () =>
    now({ ...PAUSED, elapsed_ms: 0, record: facts, timer: { running: false, ring_until } });
  await vi.waitFor(() => expect(part("status").textContent).toContain("accepts. · 1.00 held"), soon);
});

test("free time is shown only where there was some", async () => {
  const shown = () => part("time").getAttribute("show")?.trim().replace("  ", " ");
  await vi.waitFor(() => expect(shown()).toBe("elapsed credits topup"), soon);
  service.tell({ ...now({ allowance_ms: 60_000 }), sequence: 2 });
  await vi.waitFor(() => expect(shown()).toBe("elapsed free credits topup"), soon);
});

test.each([
  [{ state: "paused", reason: "paused", paused_by: "user" }, "You paused. Nothing is charged."],
  [{ state: "paused", reason: "paused", paused_by: "advisor" }, "The advisor paused. Nothing is charged."],
  [{ state: "paused", reason: "paused", paused_by: "service" }, "Paused"],
  [{ state: "ended", reason: "declined", decline_reason: "I am ill" }, "The advisor declined: “I am ill”"],
  [{ state: "ended", reason: "abandoned" }, "The conversation has ended · Nobody continued."],
  [{ state: "ended", reason: "stopped" }, "The conversation has ended"],
  [{ state: "ended", reason: "out_of_credit" }, "The conversation has ended · The credits ran out."],
  [
    { state: "ended", reason: "max_cost" },
    "The conversation has ended · More time would exceed the highest cost of a conversation.",
  ],
  [{ state: "ended", reason: "stopped", ended_by: "service" }, "The conversation has ended"],
  [{ state: "ended", reason: "stopped", ended_by: "user" }, "You ended the conversation"],
  [{ state: "ended", reason: "stopped", ended_by: "advisor" }, "The advisor ended the conversation"],
] as const)("the element says why: %o", async (record, text) => {
  await vi.waitFor(() => expect(offered()).toEqual(["Pause", "Stop"]), soon);
  service.tell({ ...now({ ...PAUSED, record: { ...PAUSED.record, ...record } }), sequence: 2 });
  await vi.waitFor(() => expect(part("status").textContent).toContain(text), soon);
});

test.each([
  ["user", "declined", "advisor", "accepted", "The advisor declined"],
  ["advisor", "declined", "advisor", "accepted", "You declined the call"],
  ["user", "missed", null, "accepted", "The advisor did not answer"],
  ["advisor", "missed", null, "accepted", "You did not answer"],
  ["user", "stopped", "user", "accepted", "You cancelled the call"],
  ["advisor", "stopped", "user", "accepted", "The user cancelled the call"],
  ["user", "user_away", null, "accepted", "The conversation has ended"],
  ["user", "abandoned", null, "present", "The conversation has ended · The advisor did not come in time"],
  ["advisor", "abandoned", null, "present", "The conversation has ended · You did not come in time"],
  ["user", "abandoned", null, "accepted", "The conversation has ended · Nobody continued."],
  ["user", "stopped", "user", "present", "You ended the conversation"],
] as const)(
  "to the %s, of a record that never ran (%s by %s, starts %s): %s",
  async (party, reason, ended_by, starts, text) => {
    element.setAttribute("party", party);
    await vi.waitFor(() => expect(offered()).toEqual(["Pause", "Stop"]), soon);
    const record = { ...PAUSED.record, state: "ended", reason, ended_by, starts } as const;
    service.tell({ ...now({ ...PAUSED, elapsed_ms: 0, record }), sequence: 2 });
    await vi.waitFor(() => expect(part("status").textContent).toBe(`${text} · Nothing was charged.`), soon);
  },
);

test("before anything is known the element says that it connects", async () => {
  element.remove();
  service.snapshot = null;
  element = document.createElement("talk-chat");
  element.setAttribute("chat-id", "chat");
  element.setAttribute("src", service.url);
  element.token = () => "token";
  document.body.append(element);
  await vi.waitFor(() => expect(part("status").textContent).toBe("Connecting…"), soon);
  expect(offered()).toEqual([]);
});

const question = () => element.shadowRoot?.querySelector("dialog p")?.textContent;

/** The record here has ended, the user starts again, and is asked because the two have gone on in another chat. */
async function startsAgainElsewhere(): Promise<void> {
  service.snapshot = () => ({
    ...now({ ...PAUSED, record: { state: "ended", reason: "stopped" } }),
    sequence: 2,
  });
  element.removeAttribute("src");
  element.setAttribute("src", service.url);
  await vi.waitFor(() => expect(offered()).toEqual(["Start again"]), soon);
  part("start").click();
  await vi.waitFor(() => expect(question()).toBe("The conversation moved to another chat."), soon);
}

test("where the two have gone on in another chat, the element asks before it brings the record here", async () => {
  const { answer } = service;
  service.answer = (call) => {
    if (call.path.endsWith("/offers/advisor"))
      return [409, { title: "Conflict", code: "conflict", state: "running" }];
    return call.path.endsWith("/tracking") ? [200, { ...now(), sequence: 3 }] : answer(call);
  };
  await startsAgainElsewhere();
  element.shadowRoot?.querySelector<HTMLButtonElement>("dialog button[value=yes]")?.click();
  await vi.waitFor(() => expect(offered()).toEqual(["Pause", "Stop"]), soon);
});

test("a record that ends elsewhere while the user thinks is followed by the question for the price", async () => {
  const { answer } = service;
  let hasEnded = false;
  service.answer = (call) => {
    if (!call.path.endsWith("/offers/advisor")) return answer(call);
    if (!hasEnded) return [409, { title: "Conflict", code: "conflict", state: "running" }];
    const tariff = { tiers: [{ from_seconds: 0, rate: "1.00", per_seconds: 60, increment_seconds: 1 }] };
    return [200, { tariff, tariff_version: 1, free_remaining_ms: 0, lasts_ms: null }];
  };
  await startsAgainElsewhere();
  hasEnded = true;
  element.shadowRoot?.querySelector<HTMLButtonElement>("dialog button[value=yes]")?.click();
  await vi.waitFor(() => expect(question()).toContain("10 paid minutes cost"), soon);
  element.shadowRoot?.querySelector<HTMLButtonElement>("dialog button[value=no]")?.click();
  await vi.waitFor(() => expect(offered()).toEqual(["Start again"]), soon);
});
