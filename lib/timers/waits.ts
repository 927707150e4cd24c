// The promise forms: a wait, and a stream of ticks.

import { listenToAbort } from '../abort-listeners.js';
import { AbortError } from '../errors.js';
import { checkDelay, checkOptions, checkPeriod, type TimerOptions } from './arguments.js';
import { Wait } from './one-shot.js';
import { Repeating } from './repeating.js';
import type { TimerService } from './timer-service.js';

/** Resolves with `value` when `ms` are over. */
export async function wait<T>(
  service: () => TimerService,
  ms: number | undefined,
  value: T,
  options: TimerOptions | undefined,
): Promise<T> {
  const { signal, ref } = checkOptions(options);
  const delay = checkDelay(ms);
  if (signal?.aborted) throw new AbortError(signal);
  const owner = service();
  if (owner.refusal !== undefined) throw owner.refusal;
  return new Promise<T>((resolve, reject) => {
    const onFired = () => {
      unlisten();
      resolve(value);
    };
    const onEnd = (error: Error) => {
      unlisten();
      reject(error);
    };
    const timer = new Wait(owner, delay, onFired, ref, onEnd);
    const unlisten = listenToAbort(signal, () => {
      timer.close();
      reject(new AbortError(signal as AbortSignal));
    });
  });
}

/** Yields `value` at each tick. Ticks that come while nobody asks for the next are one. */
export async function* ticks<T>(
  service: () => TimerService,
  ms: number,
  value: T,
  options: TimerOptions | undefined,
): AsyncGenerator<T, void, undefined> {
  const { signal, ref } = checkOptions(options);
  const period = checkPeriod(ms);
  if (signal?.aborted) throw new AbortError(signal);
  const owner = service();
  if (owner.refusal !== undefined) throw owner.refusal;
  let ticked = false;
  let over: Error | undefined;
  let wake: (() => void) | undefined;
  const onTick = () => {
    ticked = true;
    wake?.();
  };
  const onOver = (error: Error) => {
    over = error;
    wake?.();
  };
  const interval = new Repeating(owner, period, onTick, [], ref, onOver);
  // Whoever aborts it may never ask for the next tick: then nothing must be left that holds the process.
  const unlisten = listenToAbort(signal, () => {
    interval.close();
    onOver(new AbortError(signal as AbortSignal));
  });
  try {
    for (;;) {
      if (!ticked && over === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (over !== undefined) throw over;
      ticked = false;
      yield value;
    }
  } finally {
    unlisten();
    interval.close();
  }
}
