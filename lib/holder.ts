// What keeps the process alive for a part of the loop that has many things open: sockets, timers, files.

import { native } from './binding.js';
import { type EventLoop, internalsOf } from './event-loop.js';

/** Counts the open things of one native target that are referenced, and holds the process while there is one. */
export class Holder {
  #count = 0;

  /** From here on follows the loop's own ref() and unref(). */
  constructor(
    loop: EventLoop,
    private readonly target: number,
  ) {
    internalsOf(loop).join({
      setReferenced: (referenced) => native.setReferenced(target, referenced),
    });
  }

  /** One more thing is open and referenced. */
  hold(): void {
    if (this.#count++ === 0) native.hold(this.target);
  }

  /** One less. */
  release(): void {
    if (--this.#count === 0) native.release(this.target);
  }
}
