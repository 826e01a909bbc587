/**
 * On a phone the meter folds to one line, so that the conversation has the room: whenever the screen is low, as it is while
 * the keyboard is open or in landscape, and whenever a person folds it.
 */

import { find, setText } from "../shell/dom.ts";
import { say } from "../texts/language.ts";

/** A screen that is lower than this shows one line of the meter, in rem: large letters make a screen lower. */
const LOW_REM = 37.5;

export function foldOnLowScreens(): void {
  const meter = find("meter");
  const button = find<HTMLButtonElement>("fold");
  let isLow = false;
  let chosen: boolean | null = null;

  const show = (): void => {
    const isFolded = chosen ?? isLow;
    meter.classList.toggle("folded", isFolded);
    document.body.classList.toggle("folded", isFolded);
    button.ariaExpanded = String(!isFolded);
    setText(button, say(isFolded ? "more" : "less"));
  };
  const measure = (): void => {
    // A keyboard may leave the page as high as it was and only cover a part of it.
    const height = visualViewport?.height ?? innerHeight;
    document.body.style.setProperty("--view", `${height}px`);
    const low = LOW_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    if (isLow !== height < low) chosen = null;
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
  measure();
}
