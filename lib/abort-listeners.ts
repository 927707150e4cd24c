// Who listens to an AbortSignal. A thousand waits on one signal are no leak, and Node warns of more than ten listeners on one:
// so this package has one listener on each signal, and passes on what it hears. And what counts as a signal.

import { SideloopTypeError } from './errors.js';
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

/**
 * `signal`, where it is one or undefined. All that take one ask here, before they begin: what has begun can't be stopped by
 * a signal that nobody can listen to. One of another realm counts, and one of a library that stands in for AbortSignal.
 *
 * @throws What `wrong` makes of the rule; a SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where it is left out.
 */
export function checkSignal(signal: unknown, wrong = argumentError): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  let options: ErrorOptions | undefined;
  try {
    if (isSignal(signal)) return signal;
  } catch (cause) {
    options = { cause };
  }
  throw wrong('signal must be an AbortSignal', options);
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const signal: Pick<AbortSignal, 'aborted' | 'addEventListener' | 'removeEventListener'> =
    value as AbortSignal;
  // For an object that has no more than the prototype of a signal, this getter throws.
  if (typeof signal.aborted !== 'boolean') return false;
  if (value instanceof AbortSignal) return true;
  // Nothing is known of this one but what it does.
  const listener = (): void => {};
  signal.addEventListener('abort', listener);
  signal.removeEventListener('abort', listener);
  return true;
}

function argumentError(rule: string, options?: ErrorOptions): Error {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${rule}.`, options);
}

/** Calls `listener` when the signal is aborted, once. Returns what ends that; it may be called again, and afterwards. */
export function listenToAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  return (bySignal.get(signal) ?? new AbortListeners(signal)).add(listener);
}
