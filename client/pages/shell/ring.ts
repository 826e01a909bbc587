/**
 * A call rings on the advisor's page: in the title of the page, with a sound, and as a notification while the page is hidden.
 *
 * Browsers let a page make sounds only after a click or a key, and show notifications only to people who have allowed
 * them. So a button asks for both. After somebody has pressed it, every click on a page turns the sound on again.
 */

import { say, sentence, talkWords } from "../texts/language.ts";
import { find, make } from "./dom.ts";

const RING_EVERY_MS = 2500;
const TITLE_EVERY_MS = 1000;

export interface Call {
  chatId: string;
  name: string;
  /** Opens the chat that rings. */
  open(): void;
  /**
   * The user does not call, but waits for the advisor to come, or has gone on in another chat: that is told once, and does
   * not go on ringing.
   */
  quiet?: "waits" | "moved";
}

let audio: AudioContext | null = null;
let ringing: Call | null = null;
let sound: ReturnType<typeof setInterval> | undefined;
let blink: ReturnType<typeof setInterval> | undefined;
let quietTitle = "";

/** Rings for this call until another call of this function; null rings no more. */
export function ring(call: Call | null): void {
  if (call?.chatId === ringing?.chatId) return;
  stopRinging();
  ringing = call;
  if (!call) return;
  quietTitle = document.title;
  const title = call.quiet ? callText(call) : `☎ ${callText(call)}`;
  document.title = title;
  blink = setInterval(() => {
    document.title = document.title === title ? quietTitle : title;
  }, TITLE_EVERY_MS);
  playRing();
  if (!call.quiet) sound = setInterval(playRing, RING_EVERY_MS);
  notify(call);
}

/** Offers the button that allows sounds and notifications, where they are not allowed yet. */
export function offerAlerts(): void {
  const button = find<HTMLButtonElement>("alerts");
  const isAllowed = () => "Notification" in window && Notification.permission !== "default";
  button.hidden = isAllowed();
  button.addEventListener("click", async () => {
    await turnOnSound();
    if ("Notification" in window) await Notification.requestPermission();
    button.hidden = true;
  });
  for (const gesture of ["pointerdown", "keydown"])
    addEventListener(gesture, () => void turnOnSound(), { once: true });
}

/** The title of each kind of call, and the text of its notification. */
const TEXTS = {
  calls: ["isCalling", "openToAnswer"],
  waits: ["isWaiting", "waitingText"],
  moved: ["wentOn", "movedText"],
} as const;

function callText({ name, quiet }: Call): string {
  return say(TEXTS[quiet ?? "calls"][0], { name });
}

function stopRinging(): void {
  clearInterval(sound);
  clearInterval(blink);
  if (ringing) document.title = quietTitle;
  ringing = null;
}

async function turnOnSound(): Promise<void> {
  audio ??= new AudioContext();
  await audio.resume();
}

/** Two short tones. Without a click on this page before, the browser keeps them silent. */
function playRing(): void {
  if (audio?.state !== "running") return;
  for (const [startsIn, hertz] of [
    [0, 660],
    [0.25, 880],
  ] as const) {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    const begin = audio.currentTime + startsIn;
    tone.frequency.value = hertz;
    loudness.gain.setValueAtTime(0.15, begin);
    loudness.gain.exponentialRampToValueAtTime(0.001, begin + 0.22);
    tone.connect(loudness).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + 0.25);
  }
}

function notify(call: Call): void {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const notification = new Notification(callText(call), {
    body: say(TEXTS[call.quiet ?? "calls"][1]),
    tag: call.chatId,
  });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
    call.open();
  });
}

/** A panel with the call and its two answers. */
export function callPanel(
  call: Call,
  accept: (event: Event) => void,
  decline: (event: Event) => void,
): HTMLElement {
  return make(
    "div",
    { class: "card call" },
    make("p", { class: "title" }, ...sentence("isCalling", { name: make("bdi", {}, call.name) })),
    make(
      "p",
      { class: "actions" },
      make("button", { type: "button", class: "primary", click: accept }, talkWords().accept),
      make("button", { type: "button", click: decline }, talkWords().decline),
    ),
  );
}
