/**
 * On a phone the meter folds to one line, so that the conversation has the room: whenever the screen is low, as it is while
 * the keyboard is open or in landscape, from the moment on at which the messages have no room while time runs, and whenever
 * a person folds it. The buttons fold as well only while the keyboard is open, or where the screen is too low for them: who
 * pays must see how to stop.
 */

import { find, setText } from "../shell/dom.ts";
import { say } from "../texts/language.ts";

/** A screen that is lower than this shows one line of the meter, in rem: large letters make a screen lower. */
const LOW_REM = 37.5;

/** A screen that is lower than this has no room for the buttons below that line, with or without a keyboard. */
const TINY_REM = 27;

/** Messages that have less room than this, in rem, are crowded out. */
const CROWDED_REM = 8;

export function foldMeter(): void {
  const meter = find("meter");
  const button = find<HTMLButtonElement>("fold");
  const log = find("log");
  const composer = find("composer");
  const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  let isLow = false;
  let isTiny = false;
  let isWriting = false;
  let isCrowded = false;
  let chosen: boolean | null = null;

  // Where no time runs, the price, the reason and the receipts count for more than the messages.
  const runs = (): boolean => /^(free|paid)$/.test(meter.dataset.phase ?? "");
  const show = (): void => {
    const isFolded = chosen ?? (isLow || (isCrowded && runs()));
    meter.classList.toggle("folded", isFolded);
    meter.classList.toggle("keyboard", isTiny || (isLow && isWriting));
    document.body.classList.toggle("folded", isFolded);
    document.body.classList.toggle("low", isLow);
    button.ariaExpanded = String(!isFolded);
    setText(button, say(isFolded ? "more" : "less"));
  };
  const measure = (): void => {
    // A keyboard may leave the page as high as it was and only cover a part of it.
    const height = visualViewport?.height ?? innerHeight;
    // As a phone is turned, the log is high for a moment, and holds all messages: their end must be in sight afterwards.
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 1;
    document.body.style.setProperty("--view", `${height}px`);
    const low = LOW_REM * rem();
    if (isLow !== height < low) {
      chosen = null;
      isCrowded = false;
    }
    isLow = height < low;
    isTiny = height < TINY_REM * rem();
    show();
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };

  button.addEventListener("click", () => {
    chosen = !meter.classList.contains("folded");
    show();
  });
  (visualViewport ?? window).addEventListener("resize", measure);
  // A person who writes on a low screen must see the line with time and cost, not the end of an unfolded meter.
  find("text").addEventListener("focus", () => {
    isWriting = true;
    if (isLow) chosen = null;
    show();
  });
  const afterPress = followPresses();
  composer.addEventListener("focusout", () =>
    afterPress(() => {
      isWriting = composer.contains(document.activeElement);
      show();
    }),
  );
  // A folded meter gives the room back, so nobody knows whether it could unfold: it stays folded. A layout that lasts no
  // longer than a frame, as while a keyboard closes, says nothing.
  const sizes = new ResizeObserver(() =>
    requestAnimationFrame(() => {
      const isShort = log.clientHeight < Math.min(CROWDED_REM * rem(), log.scrollHeight);
      isCrowded ||= !isLow && chosen === null && runs() && isShort;
      show();
    }),
  );
  for (const part of [log, find("messages")]) sizes.observe(part);
  new MutationObserver(show).observe(meter, { attributeFilter: ["data-phase"] });
  // What is said for some seconds as paid time begins must not hide the buttons for the whole conversation.
  new MutationObserver(() => {
    isCrowded &&= !find("paid").hidden;
    show();
  }).observe(find("paid"), { attributeFilter: ["hidden"] });
  measure();
}

/**
 * Returns a function that calls `work` once nothing is pressed: a button that takes the focus as it is pressed must not move
 * away before its click.
 */
function followPresses(): (work: () => void) => void {
  const waiting = new Set<() => void>();
  let isPressed = false;
  const workOff = (): void => {
    if (isPressed) return;
    for (const work of waiting) work();
    waiting.clear();
  };
  addEventListener("pointerdown", () => (isPressed = true), true);
  for (const end of ["pointerup", "pointercancel"])
    addEventListener(
      end,
      () => {
        isPressed = false;
        // The click comes after the end of the press.
        setTimeout(workOff);
      },
      true,
    );
  return (work) => {
    waiting.add(work);
    setTimeout(workOff);
  };
}
