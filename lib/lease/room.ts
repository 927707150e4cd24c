// Room for so many at a time; who finds none waits its turn, first come, first served.

import { listenToAbort } from '../abort-listeners.js';
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

  /**
   * Runs `work` when there is room, in the order of the calls, and holds a place until it is settled. Rejects with an AbortError
   * where it gave up before.
   */
  run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    // Not past those who wait.
    if (this.#inside < this.#size && this.#first === undefined) {
      this.#inside++;
      return this.#hold(work);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        enter: () => {
          unlisten();
          resolve(this.#hold(work));
        },
        previous: this.#last,
        next: undefined,
      };
      const unlisten = listenToAbort(signal, () => {
        this.#unlink(waiter);
        reject(new AbortError(signal as AbortSignal));
      });
      this.#link(waiter);
    });
  }

  async #hold<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    const next = this.#first;
    if (next === undefined) {
      this.#inside--;
      return;
    }
    // The place goes from hand to hand, and is used in this very call: what is called later must not be sent before.
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
