import type { EventLoop } from '../event-loop.js';
import { checkLoop } from './arguments.js';
import { functionsOf, type TimerFunctions } from './functions.js';

export type { HistogramSnapshot } from '../binding.js';
export { AbortError, SideloopError, SideloopTypeError } from '../errors.js';
export type { TimerOptions } from './arguments.js';
export { FrameBatcher, type FrameBatcherOptions } from './frame-batcher.js';
export type { TimerFunctions, TimerPromises } from './functions.js';
export type { Interval, Timeout } from './handles.js';
export { type TimerStats, timerStats } from './timer-stats.js';

/** Timers on the shared loop, `EventLoop.shared()`. */
export const { setTimeout, setInterval, clearTimeout, clearInterval, promises } = functionsOf();

/**
 * The same functions for another loop.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `loop` is no EventLoop.
 */
export function timersOf(loop: EventLoop): TimerFunctions {
  return functionsOf(checkLoop(loop));
}
