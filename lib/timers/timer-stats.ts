// What the timers of a loop did, as the user sees it.

import type { HistogramSnapshot } from '../binding.js';
import type { EventLoop } from '../event-loop.js';
import { checkLoop } from './arguments.js';
import { knownServiceOf } from './timer-service.js';

/** What the timers of this thread on one loop did, over its whole life. Histograms are in microseconds. */
export interface TimerStats {
  /** Timers and intervals that are set. */
  pending: number;
  /** Callbacks run: of timeouts, and of intervals at each tick. */
  fired: number;
  /** Timers and intervals cleared while they were pending. */
  cancelled: number;
  /** Ticks of intervals on the loop thread; one drives all intervals of its period. */
  ticks: number;
  /** Ticks that came while this thread had not read of the one before: they were merged into it. */
  mergedTicks: number;
  /** Deadlines and ticks that the loop thread waits for. */
  nativePending: number;
  /** Memory that they take there, in bytes. */
  nativeBytes: number;
  /** From the due time to the loop thread's noticing: the clock's resolution, and how busy the loop is. */
  loopLateness: HistogramSnapshot;
  /** From the due time to the callback: how busy this thread is, too. */
  jsLateness: HistogramSnapshot;
}

const NOTHING: HistogramSnapshot = Object.freeze({
  count: 0,
  min: 0,
  mean: 0,
  max: 0,
  p50: 0,
  p90: 0,
  p99: 0,
  p999: 0,
});

/**
 * What the timers on `loop` did; without one, on the shared loop. Cheap: it asks nobody and waits for nothing.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `loop` is no EventLoop.
 */
export function timerStats(loop?: EventLoop): TimerStats {
  const service = knownServiceOf(checkLoop(loop));
  const stats = service?.native.stats();
  return {
    pending: service?.pending ?? 0,
    fired: service?.ran ?? 0,
    cancelled: service?.cancelled ?? 0,
    ticks: stats?.ticks ?? 0,
    mergedTicks: stats?.merged ?? 0,
    nativePending: stats?.pending ?? 0,
    nativeBytes: stats?.bytes ?? 0,
    loopLateness: stats?.loopLateness ?? NOTHING,
    jsLateness: stats?.jsLateness ?? NOTHING,
  };
}
