// Callbacks whose time has come, each run in a turn of its own: microtasks and process.nextTick() of one are through
// before the next begins, a throw is an uncaught exception and stops no other, and what one clears or refreshes does not
// run. That is how Node's own timers run.

import { setImmediate } from 'node:timers';
import { now } from './clock.js';

/** Something that is due. */
export interface Runnable {
  /** False: it was cleared, or set anew, since it came to be due. */
  queued: boolean;
  /** When, in ms of the loop's clock. */
  due: number;
  /** Runs the user's code. */
  run(): void;
}

// Callbacks in one pass of this thread's loop, before its I/O gets a turn.
const PER_PASS = 1024;

export class DueQueue {
  #queue: Runnable[] = [];
  #head = 0;
  #turns = 0;
  readonly #lateness = new Float64Array(PER_PASS);
  #measured = 0;

  /** `record` is told how late the callbacks of each pass were, in ms. */
  constructor(private readonly record: (lateness: Float64Array, count: number) => void) {}

  /** Has `runnable` run, behind all that is due already. It runs once, however often it is added before that. */
  add(runnable: Runnable): void {
    if (runnable.queued) return;
    runnable.queued = true;
    this.#queue.push(runnable);
  }

  /** Begins with what was added. */
  begin(): void {
    const turns = Math.min(PER_PASS, this.#queue.length - this.#head);
    for (; this.#turns < turns; this.#turns++) setImmediate(this.#runNext);
  }

  readonly #runNext = (): void => {
    this.#turns--;
    try {
      this.#take()?.run();
    } finally {
      if (this.#turns === 0) this.#endPass();
    }
  };

  #take(): Runnable | undefined {
    while (this.#head < this.#queue.length) {
      const next = this.#queue[this.#head++] as Runnable;
      if (!next.queued) continue;
      next.queued = false;
      this.#lateness[this.#measured++] = now() - next.due;
      return next;
    }
    return undefined;
  }

  #endPass(): void {
    if (this.#measured > 0) this.record(this.#lateness, this.#measured);
    this.#measured = 0;
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      return;
    }
    this.begin();
  }
}
