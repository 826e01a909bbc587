/**
 * When to paint: a timer to the next instant at which a digit can change, then an animation frame, then the clock is
 * read. One callback a second, digits a frame late at most; nothing at all while the page is hidden.
 */

const LATE_MS = 2000;

export class Painter {
  readonly #paint: () => number | null;
  readonly #late: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  /** `paint` answers in how many ms it wants to be called again, null for never; `late` hears of a tick 2 s late. */
  constructor(paint: () => number | null, late: () => void) {
    this.#paint = paint;
    this.#late = late;
  }

  /** Paints in the next animation frame. */
  request(): void {
    clearTimeout(this.#timer);
    if (this.#frame || document.hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const next = this.#paint();
      if (next !== null) this.#wait(next);
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    const due = performance.now() + ms;
    // A timer may fire up to a millisecond early, which would paint the old digits once more; and what a second begun
    // costs is owed a millisecond after the digits have changed.
    this.#timer = setTimeout(() => {
      if (performance.now() - due > LATE_MS) this.#late();
      this.request();
    }, ms + 3);
  }
}
