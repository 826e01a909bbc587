/**
 * When to paint: a timer to shortly before the next instant at which a digit can change, then animation frames up to
 * the one that is nearest to it. A digit is half a frame early or late, never a whole one; nothing runs while the page
 * is hidden.
 */

const LATE_MS = 2000;

/** Half a frame: what is painted is looked at until the next one, so it is right in its middle. */
export const AHEAD_MS = 8;

/** A frame, and how late a timer usually is. */
const EARLIER_MS = 20;

export class Painter {
  readonly #paint: () => number | null;
  readonly #late: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;

  /**
   * `paint` paints the instant `AHEAD_MS` from now, and answers how many ms after that it wants to be called again,
   * null for never; `late` hears of a tick 2 s late.
   */
  constructor(paint: () => number | null, late: () => void) {
    this.#paint = paint;
    this.#late = late;
  }

  /** Paints in the next animation frame. */
  request(): void {
    this.#at(Number.NEGATIVE_INFINITY);
  }

  stop(): void {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  /** Paints in the first animation frame that is not before `due`, in local ms. */
  #at(due: number): void {
    this.stop();
    if (document.hidden) return;
    this.#frame = requestAnimationFrame(() => {
      if (performance.now() < due) return this.#at(due);
      this.#frame = 0;
      const next = this.#paint();
      if (next !== null) this.#wait(next);
    });
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    // What a second begun costs is owed a millisecond after the digits have changed.
    const due = performance.now() + ms + 1;
    this.#timer = setTimeout(() => {
      if (performance.now() - due > LATE_MS) this.#late();
      this.#at(due);
    }, ms - EARLIER_MS);
  }
}
