// What timeouts and intervals have in common: whether they are pending, and what that keeps alive.

import { AsyncResource } from 'node:async_hooks';
import type { Runnable } from './due-queue.js';
import type { Timeout } from './handles.js';
import type { TimerService } from './timer-service.js';

/** The user's function, with the timer as `this`. */
export type Callback = (this: unknown, ...args: unknown[]) => void;

// Most callbacks have none: one array is for all of these.
const NONE: readonly unknown[] = [];

let lastNumber = 0;
const numbered = new Map<number, PendingTimer>();
// Few timers are asked for one.
const numbers = new WeakMap<PendingTimer, number>();

// The state of a timer, in one word: there may be very many of them.
const PENDING = 1; // set, and neither run for the last time nor cleared
const REFERENCED = 2;
const HELD = 4; // it keeps the process alive: it is pending and referenced
const NUMBERED = 8;

/** The timer of a number that [Symbol.toPrimitive]() gave out, while it is pending. */
export function timerOfNumber(number: number): PendingTimer | undefined {
  return numbered.get(number);
}

/** The async context of its making is that of its callback. */
export abstract class PendingTimer extends AsyncResource implements Timeout, Runnable {
  turn = 0;
  due = 0;
  // Undefined: it was cleared. What it held on to is free then, whoever keeps the timer.
  protected callback: Callback | undefined;
  protected args: readonly unknown[];
  private state: number;

  constructor(
    type: string,
    protected readonly service: TimerService,
    callback: Callback,
    args: unknown[],
    referenced: boolean,
  ) {
    super(type);
    this.state = referenced ? REFERENCED : 0;
    this.callback = callback;
    this.args = args.length === 0 ? NONE : args;
  }

  abstract refresh(): this;
  abstract run(): void;
  /** Takes it off whatever would have it fire. */
  protected abstract unset(): void;

  ref(): this {
    this.state |= REFERENCED;
    this.hold();
    return this;
  }

  unref(): this {
    this.state &= ~REFERENCED;
    this.hold();
    return this;
  }

  hasRef(): boolean {
    return (this.state & REFERENCED) !== 0;
  }

  close(): this {
    if (this.callback === undefined) return this;
    this.turn = 0;
    this.unset();
    this.free();
    if (this.settle()) this.service.cancelled++;
    return this;
  }

  [Symbol.toPrimitive](): number {
    let number = numbers.get(this);
    if (number === undefined) {
      number = ++lastNumber;
      numbers.set(this, number);
      this.state |= NUMBERED;
    }
    if ((this.state & PENDING) !== 0) numbered.set(number, this);
    return number;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** It is pending from now on. */
  protected begin(): void {
    if ((this.state & PENDING) !== 0) return;
    this.state |= PENDING;
    this.service.pending++;
    this.hold();
    if ((this.state & NUMBERED) !== 0) numbered.set(numbers.get(this) as number, this);
  }

  /** It is no longer pending. False where it was not. */
  protected settle(): boolean {
    if ((this.state & PENDING) === 0) return false;
    this.state &= ~PENDING;
    this.service.pending--;
    this.hold();
    if ((this.state & NUMBERED) !== 0) numbered.delete(numbers.get(this) as number);
    return true;
  }

  protected free(): void {
    this.callback = undefined;
    this.args = NONE;
  }

  protected call(): void {
    this.service.ran++;
    if (this.args === NONE) this.runInAsyncScope(this.callback as Callback, this);
    else this.runInAsyncScope(this.callback as Callback, this, ...this.args);
  }

  private hold(): void {
    const held = (this.state & (PENDING | REFERENCED)) === (PENDING | REFERENCED);
    if (held === ((this.state & HELD) !== 0)) return;
    this.state ^= HELD;
    if (held) this.service.holder.hold();
    else this.service.holder.release();
  }
}
