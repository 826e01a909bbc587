/**
 * When to paint. A timer waits until shortly before the next instant at which a digit can change, then animation frames
 * come up to the frame nearest to that instant. So a digit is at most half a frame early or late. Nothing runs while the
 * page is hidden.
 */

const LATE_MS = 2000;

/** Half a frame. A frame is seen until the next frame, so it shows the instant in its middle. */
export const AHEAD_MS = 8;

/** When to paint again after a paint that failed. */
const FAILED_MS = 1000;

/** The length of a frame, and how late timers usually are. */
const EARLIER_MS = 20;

export class Painter {
  readonly #paint: () => number | null;
  readonly #late: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #frame = 0;
  #isOn = false;

  /**
   * `paint` paints the instant `AHEAD_MS` from now and returns how many ms later it must be called again, null for never.
   * `late` is called when a timer comes more than 2 s late.
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
    this.#isOn = false;
  }

  /** Paints in the first animation frame that is not before `due`, in local ms. */
  #at(due: number): void {
    this.stop();
    if (document.hidden) return;
    this.#isOn = true;
    this.#frame = requestAnimationFrame(() => {
      if (performance.now() < due) return this.#at(due);
      this.#frame = 0;
      let next: number | null = FAILED_MS;
      try {
        next = this.#paint();
      } finally {
        // A paint that fails is reported, and does not stop the digits. A listener that gets the frame may stop the painter.
        if (next !== null && this.#isOn) this.#wait(next);
      }
    });
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    // A cost changes one millisecond after the digits of the time.
    const due = performance.now() + ms + 1;
    this.#timer = setTimeout(() => {
      if (performance.now() - due > LATE_MS) this.#late();
      this.#at(due);
    }, ms - EARLIER_MS);
  }
}
