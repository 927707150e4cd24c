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
  // Set, and neither run for the last time nor cleared.
  protected pending = false;
  // It keeps the process alive: it is pending and referenced.
  private held = false;
  private number = 0;

  constructor(
    type: string,
    protected readonly service: TimerService,
    callback: Callback,
    args: unknown[],
    private referenced: boolean,
  ) {
    super(type);
    this.callback = callback;
    this.args = args.length === 0 ? NONE : args;
  }

  abstract refresh(): this;
  abstract run(): void;
  /** Takes it off whatever would have it fire. */
  protected abstract unset(): void;

  ref(): this {
    this.referenced = true;
    this.hold();
    return this;
  }

  unref(): this {
    this.referenced = false;
    this.hold();
    return this;
  }

  hasRef(): boolean {
    return this.referenced;
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
    if (this.number === 0) this.number = ++lastNumber;
    if (this.pending) numbered.set(this.number, this);
    return this.number;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** It is pending from now on. */
  protected begin(): void {
    if (this.pending) return;
    this.pending = true;
    this.service.pending++;
    this.hold();
    if (this.number !== 0) numbered.set(this.number, this);
  }

  /** It is no longer pending. False where it was not. */
  protected settle(): boolean {
    if (!this.pending) return false;
    this.pending = false;
    this.service.pending--;
    this.hold();
    if (this.number !== 0) numbered.delete(this.number);
    return true;
  }

  protected free(): void {
    this.callback = undefined;
    this.args = NONE;
  }

  protected call(): void {
    this.service.ran++;
    this.runInAsyncScope(this.callback as Callback, this, ...this.args);
  }

  private hold(): void {
    const held = this.pending && this.referenced;
    if (held === this.held) return;
    this.held = held;
    if (held) this.service.holder.hold();
    else this.service.holder.release();
  }
}
