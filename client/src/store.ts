/** One value and those who want to know when it changes: what any framework can subscribe to. */
export class Store<T> {
  #value: T;
  readonly #listeners = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    tell(this.#listeners, value);
  }

  /** Calls `listener` now and at every change, until the returned function is called. */
  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#value);
    return () => this.#listeners.delete(listener);
  }
}

/** Those who want to hear of something that happens but has no value of its own, like a message. */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  send(value: T): void {
    tell(this.#listeners, value);
  }

  /** Calls `listener` each time, until the returned function is called. */
  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A listener that throws is a mistake of its own: the others hear, and the timer goes on. */
function tell<T>(listeners: Iterable<(value: T) => void>, value: T): void {
  for (const listener of listeners) {
    try {
      listener(value);
    } catch (error) {
      reportError(error);
    }
  }
}
