// Arguments as they were given, checked: what is wrong is refused, and nothing was done.

import { checkSignal } from '../abort-listeners.js';
import { SideloopTypeError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import { checkedOptions, type OptionNames } from '../options.js';

const MOST = Number.MAX_SAFE_INTEGER;

/** The time from now to the call. Absent, it is 0. */
export function checkDelay(ms: unknown): number {
  if (ms === undefined) return 0;
  if (typeof ms === 'number' && ms >= 0 && ms <= MOST) return ms;
  throw wrong('A delay must be a number of ms from 0 to Number.MAX_SAFE_INTEGER', ms);
}

/** The time from one tick to the next, in whole nanoseconds. */
export function checkPeriod(ms: unknown, name = 'A period'): number {
  if (typeof ms === 'number' && ms >= 1 && ms <= MOST) return toWholeNanoseconds(ms);
  throw wrong(`${name} must be a number of ms from 1 to Number.MAX_SAFE_INTEGER`, ms);
}

export function checkCallback(callback: unknown): void {
  if (typeof callback === 'function') return;
  throw wrong('The callback must be a function', callback);
}

/** The loop that was given, or the shared one. */
export function checkLoop(loop: unknown): EventLoop {
  if (loop === undefined) return EventLoop.shared();
  if (loop instanceof EventLoop) return loop;
  throw wrong('loop must be an EventLoop', loop);
}

/** Options of the promise forms. */
export interface TimerOptions {
  /** Ends the wait: the promise rejects with an AbortError. */
  signal?: AbortSignal;
  /** Whether it keeps the process alive while it is pending. Default true. */
  ref?: boolean;
}

const NAMES: OptionNames<TimerOptions> = { signal: true, ref: true };

export function checkOptions(options: TimerOptions | undefined): TimerOptions {
  const { signal, ref } = checkedOptions(options, NAMES, 'a timer');
  checkSignal(signal, (rule) => wrong(rule, signal));
  if (ref !== undefined && typeof ref !== 'boolean') throw wrong('ref must be a boolean', ref);
  return { signal, ref };
}

export function wrong(rule: string, given: unknown): SideloopTypeError {
  const what = typeof given === 'number' ? String(given) : given === null ? 'null' : typeof given;
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${rule}, and not ${what}.`);
}

function toWholeNanoseconds(ms: number): number {
  return Number.isInteger(ms) ? ms : Math.round(ms * 1e6) / 1e6;
}
