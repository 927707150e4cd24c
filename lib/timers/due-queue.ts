// Callbacks whose time has come, each run in a turn of its own: microtasks and process.nextTick() of one are through
// before the next begins, a throw is an uncaught exception and stops no other, and what one clears or refreshes does not
// run. That is how Node's own timers run.

import { setImmediate } from '../turns.js';
import { now } from './clock.js';

/** Something that is due. */
export interface Runnable {
  /** The number of its turn. 0: it has none, or was cleared or set anew since it had. */
  turn: number;
  /** When, in ms of the loop's clock. */
  due: number;
  /** Runs the user's code. */
  run(): void;
}

// Callbacks in one pass of this thread's loop, before its I/O gets a turn.
const PER_PASS = 1024;

// Numbers of turns go from 1 to this, and around: small integers, as the engine keeps them without a box.
const LAST_TURN = 2 ** 30 - 1;

export class DueQueue {
  // In the order of their turns, from #head on. What was cleared or set anew stays, and is passed over.
  #queue: (Runnable | undefined)[] = [];
  #head = 0;
  #lastAdded = 0;
  #lastTaken = 0;
  // Immediates under way.
  #turns = 0;
  readonly #lateness = new Float64Array(PER_PASS);
  #measured = 0;

  /** `record` is told how late the callbacks were, in ms. */
  constructor(private readonly record: (lateness: Float64Array, count: number) => void) {}

  /** Has `runnable` run, behind all that is due already. It runs once, however often it is added before that. */
  add(runnable: Runnable): void {
    if (runnable.turn !== 0) return;
    this.#lastAdded = after(this.#lastAdded);
    runnable.turn = this.#lastAdded;
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
      const next = this.#queue[this.#head] as Runnable;
      this.#queue[this.#head++] = undefined;
      this.#lastTaken = after(this.#lastTaken);
      if (this.#head >= PER_PASS) this.#shorten();
      if (next.turn !== this.#lastTaken) continue;
      next.turn = 0;
      this.#measure(now() - next.due);
      return next;
    }
    return undefined;
  }

  // A queue that is never empty must not grow by what has left it.
  #shorten(): void {
    if (this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  // A pass may be longer than PER_PASS: one that a throw has interrupted is added to before it goes on.
  #measure(late: number): void {
    this.#lateness[this.#measured++] = late;
    if (this.#measured === PER_PASS) this.#report();
  }

  #report(): void {
    if (this.#measured > 0) this.record(this.#lateness, this.#measured);
    this.#measured = 0;
  }

  #endPass(): void {
    this.#report();
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
      return;
    }
    this.begin();
  }
}

function after(turn: number): number {
  return turn === LAST_TURN ? 1 : turn + 1;
}
