// Room for so many at a time; who finds none waits its turn, first come, first served.

import { AbortError } from '../errors.js';

interface Waiter {
  enter: () => void;
  previous: Waiter | undefined;
  next: Waiter | undefined;
}

export class Room {
  readonly #size: number;
  #inside = 0;
  #waiting = 0;
  // A list with links both ways: whoever gives up leaves it from the middle.
  #first: Waiter | undefined;
  #last: Waiter | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Whether it could enter at once. Not past those who wait. */
  tryEnter(): boolean {
    if (this.#inside === this.#size || this.#first !== undefined) return false;
    this.#inside++;
    return true;
  }

  /** Resolves when it is inside. Rejects with an AbortError where it gave up before. */
  enter(signal: AbortSignal | undefined): Promise<void> {
    if (this.tryEnter()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        enter: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
        previous: this.#last,
        next: undefined,
      };
      const giveUp = () => {
        this.#unlink(waiter);
        reject(new AbortError(signal as AbortSignal));
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#link(waiter);
    });
  }

  /** Makes room for the next. */
  leave(): void {
    const next = this.#first;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    // The place goes from hand to hand.
    this.#unlink(next);
    next.enter();
  }

  #link(waiter: Waiter): void {
    this.#waiting++;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
  }

  #unlink(waiter: Waiter): void {
    this.#waiting--;
    if (waiter.previous === undefined) this.#first = waiter.next;
    else waiter.previous.next = waiter.next;
    if (waiter.next === undefined) this.#last = waiter.previous;
    else waiter.next.previous = waiter.previous;
  }
}
