/**
 * On a phone the meter folds to one line, so that the conversation has the room: whenever the screen is low, as it is while
 * the keyboard is open or in landscape, from the moment on at which the messages have no room while time runs, and whenever
 * a person folds it. Only on a low screen the buttons fold as well: who pays must see how to stop.
 */

import { find, setText } from "../shell/dom.ts";
import { say } from "../texts/language.ts";

/** A screen that is lower than this shows one line of the meter, in rem: large letters make a screen lower. */
const LOW_REM = 37.5;

/** Messages that have less room than this, in rem, are crowded out. */
const CROWDED_REM = 8;

export function foldMeter(): void {
  const meter = find("meter");
  const button = find<HTMLButtonElement>("fold");
  const log = find("log");
  const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  let isLow = false;
  let isCrowded = false;
  let chosen: boolean | null = null;

  // Where no time runs, the price, the reason and the receipts count for more than the messages.
  const runs = (): boolean => /^(free|paid)$/.test(meter.dataset.phase ?? "");
  const show = (): void => {
    const isFolded = chosen ?? (isLow || (isCrowded && runs()));
    meter.classList.toggle("folded", isFolded);
    meter.classList.toggle("low", isLow);
    document.body.classList.toggle("folded", isFolded);
    button.ariaExpanded = String(!isFolded);
    setText(button, say(isFolded ? "more" : "less"));
  };
  const measure = (): void => {
    // A keyboard may leave the page as high as it was and only cover a part of it.
    const height = visualViewport?.height ?? innerHeight;
    document.body.style.setProperty("--view", `${height}px`);
    const low = LOW_REM * rem();
    if (isLow !== height < low) {
      chosen = null;
      isCrowded = false;
    }
    isLow = height < low;
    show();
  };

  button.addEventListener("click", () => {
    chosen = !meter.classList.contains("folded");
    show();
  });
  (visualViewport ?? window).addEventListener("resize", measure);
  // A person who writes on a low screen must see the line with time and cost, not the end of an unfolded meter.
  find("text").addEventListener("focus", () => {
    if (isLow) chosen = null;
    show();
  });
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
