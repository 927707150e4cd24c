// Who listens to an AbortSignal. A thousand waits on one signal are no leak, and Node warns of more than ten listeners on one:
// so this package has one listener on each signal, and passes on what it hears.

import { nextTick } from './turns.js';

const bySignal = new WeakMap<AbortSignal, AbortListeners>();

class AbortListeners {
  readonly #all = new Set<{ listener: () => void }>();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.#onAbort, { once: true });
    bySignal.set(signal, this);
  }

  /** Returns what ends it. */
  add(listener: () => void): () => void {
    // Of its own, since somebody may listen twice.
    const entry = { listener };
    this.#all.add(entry);
    return () => {
      if (!this.#all.delete(entry) || this.#all.size > 0) return;
      this.signal.removeEventListener('abort', this.#onAbort);
      if (bySignal.get(this.signal) === this) bySignal.delete(this.signal);
    };
  }

  readonly #onAbort = (): void => {
    bySignal.delete(this.signal);
    for (const entry of this.#all) {
      this.#all.delete(entry);
      try {
        entry.listener();
      } catch (error) {
        // As an EventTarget does: the others hear of it all the same.
        nextTick(() => {
          throw error;
        });
      }
    }
  };
}

/** Calls `listener` when the signal is aborted, once. Returns what ends that; it may be called again, and afterwards. */
export function listenToAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  return (bySignal.get(signal) ?? new AbortListeners(signal)).add(listener);
}
