// The timer functions, bound to a loop.

import { promisify } from 'node:util';
import { EventLoop } from '../event-loop.js';
import { checkCallback, checkDelay, checkPeriod, type TimerOptions } from './arguments.js';
import type { Interval, Timeout } from './handles.js';
import { OneShot } from './one-shot.js';
import { type Callback, PendingTimer, timerOfNumber } from './pending-timer.js';
import { Repeating } from './repeating.js';
import { serviceOf, type TimerService } from './timer-service.js';
import { ticks, wait } from './waits.js';

/** The promise forms, with the arguments of `node:timers/promises`. */
export interface TimerPromises {
  /**
   * Resolves with `value` when `ms` are over, 0 by default.
   *
   * Rejects with SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument, AbortError `ABORT_ERR` when the signal is
   * aborted, SideloopError `ERR_SIDELOOP_STOPPED` or `ERR_SIDELOOP_DESTROYED` when the loop has ended.
   */
  setTimeout<T = void>(ms?: number, value?: T, options?: TimerOptions): Promise<T>;
  /**
   * Yields `value` every `ms`, at the ticks of that period. Ticks that come while the consumer is busy are one. Ends with
   * the loop that iterates it, and throws what the other rejects with.
   */
  setInterval<T = void>(
    ms: number,
    value?: T,
    options?: TimerOptions,
  ): AsyncGenerator<T, void, undefined>;
}

/** What {@link timersOf} gives. */
export interface TimerFunctions {
  /**
   * Calls `callback` once, `ms` from now or as soon after that as this thread can; 0 by default, fractions count.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the callback is no function, or `ms` not between 0 and
   * `Number.MAX_SAFE_INTEGER`.
   * @throws SideloopError `ERR_SIDELOOP_STOPPED` or `ERR_SIDELOOP_DESTROYED` where the loop has ended.
   */
  setTimeout<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): Timeout;
  /**
   * Calls `callback` every `ms`, 1 at least, together with all other intervals of that period on this loop: at the first
   * tick that is half a period away or more, and at each one after it. Throws what the other does.
   */
  setInterval<A extends unknown[]>(
    callback: (...args: A) => void,
    ms: number,
    ...args: A
  ): Interval;
  /** Has the timer never call again. Does nothing for what is no timer of this package's, as node:timers'. */
  clearTimeout(timer: Timeout | number | string | null | undefined): void;
  /** The same as `clearTimeout`. */
  clearInterval(timer: Timeout | number | string | null | undefined): void;
  promises: TimerPromises;
}

/** The timer functions on `loop`; without one, on the shared loop of the moment of each call. */
export function functionsOf(loop?: EventLoop): TimerFunctions {
  const own = loop === undefined ? undefined : serviceOf(loop);
  const service = own === undefined ? sharedService : () => own;
  const promises: TimerPromises = {
    setTimeout: (ms, value, options) => wait(service, ms, value as never, options),
    setInterval: (ms, value, options) => ticks(service, ms, value as never, options),
  };
  const setTimeout: TimerFunctions['setTimeout'] = (callback, ms, ...args) => {
    checkCallback(callback);
    const delay = checkDelay(ms);
    return new OneShot(open(service()), delay, callback as Callback, args);
  };
  const setInterval: TimerFunctions['setInterval'] = (callback, ms, ...args) => {
    checkCallback(callback);
    const period = checkPeriod(ms);
    return new Repeating(open(service()), period, callback as Callback, args);
  };
  Object.defineProperty(setTimeout, promisify.custom, { value: promises.setTimeout });
  return { setTimeout, setInterval, clearTimeout: clear, clearInterval: clear, promises };
}

let lastShared: { loop: EventLoop; service: TimerService } | undefined;

function sharedService(): TimerService {
  // To look whether it is open costs as much as to set a timer.
  if (lastShared?.service.isStaging) return lastShared.service;
  const loop = EventLoop.shared();
  if (lastShared?.loop !== loop) lastShared = { loop, service: serviceOf(loop) };
  return lastShared.service;
}

function open(service: TimerService): TimerService {
  if (service.refusal !== undefined) throw service.refusal;
  return service;
}

function clear(timer: Timeout | number | string | null | undefined): void {
  if (timer instanceof PendingTimer) timer.close();
  else if (typeof timer === 'number' || typeof timer === 'string') {
    timerOfNumber(Number(timer))?.close();
  }
}
