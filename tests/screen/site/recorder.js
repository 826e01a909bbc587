// Records what the screen shows, by the true clocks of the browser: a row for every change, and ten rows a second.
window.rows = [];
const FRAME_MS = 1000 / 60;
const TICK_MS = 20;

/** `read` answers {state, shownState, errorMs, elapsedMs}. */
window.record = (digits, credits, host, read) => {
  // A page that was stopped runs its timers in one frame and paints in the next.
  const frames = [truth.now(), truth.now(), truth.now()];
  const loop = () => {
    frames.push(truth.now());
    frames.shift();
    requestAnimationFrame(loop);
  };
  requestAnimationFrame(loop);

  // The delay of our own timers is the delay of every timer of the page.
  const waits = [0, 0, 0, 0, 0];
  const tick = (due) => {
    waits.push(truth.now() - due);
    waits.shift();
    const next = truth.now() + TICK_MS;
    setTimeout(() => tick(next), TICK_MS);
  };
  tick(truth.now());

  const note = () => {
    const { state, shownState = state, errorMs, elapsedMs } = read();
    const bound = Number.isFinite(errorMs) ? errorMs : null;
    // A delay of the whole page is not an error of the clock.
    const since = Math.max(0, truth.now() - frames[0] - 2 * FRAME_MS, ...waits);
    const text = digits.textContent;
    // Between a change and the frame that paints it, the reading is ahead of the screen.
    const reading = state === shownState ? elapsedMs : null;
    rows.push([truth.wall(), since, text, shownState, bound, reading, credits?.textContent ?? "", document.hidden]);
  };
  const watch = new MutationObserver(note);
  watch.observe(digits, { childList: true, characterData: true, subtree: true });
  watch.observe(host, { attributes: true });
  note();
  setInterval(note, 100);
};
