// What the user holds of a timer: shaped like node:timers' Timeout.

/** A timer that was set. */
export interface Timeout {
  /** Has it keep the process alive while it is pending, as it does at first. */
  ref(): this;
  /** Lets the process exit although it is pending. */
  unref(): this;
  /** Whether it keeps the process alive while it is pending. */
  hasRef(): boolean;
  /**
   * Has it fire as if it had been set now; one that has fired is set again. Does nothing where it was cleared, or its loop
   * stopped.
   */
  refresh(): this;
  /** Clears it, as `clearTimeout` does. */
  close(): this;
  /** A number that `clearTimeout` and `clearInterval` take in its place. */
  [Symbol.toPrimitive](): number;
  /** `using timer = setTimeout(...)`: clears it. */
  [Symbol.dispose](): void;
}

/** An interval that was set. */
export interface Interval extends Timeout {
  /**
   * Ticks that the last call, or the one under way, stands for beyond its own: those that passed since the call before
   * while this thread was busy. They are not made up for.
   */
  readonly missed: number;
}
