// What a loop says of itself.

import type { HistogramSnapshot, NativeLoopStats } from './binding.js';

/** What a loop did, over its whole life. Times are in ms, histograms in microseconds. */
export interface LoopStats {
  /** The loop's name. */
  name: string;
  /** Passes through the loop. */
  iterations: number;
  /** Times another thread woke it. */
  wakeups: number;
  /** Things done: posted tasks, I/O callbacks, timers. */
  events: number;
  /** `events / iterations`: how much a pass got done, 0 before the first pass. */
  efficiency: number;
  /** Posts and submissions accepted. */
  postsAccepted: number;
  /** Posts and submissions refused: the loop was stopped, or its mailbox full. */
  postsRejected: number;
  /** Accepted and not yet run. */
  pending: number;
  /** Since the thread began. */
  uptime: number;
  /** Blocked in the kernel, waiting for something to do; a sleep under way is counted up to now. */
  idleTime: number;
  /** `uptime - idleTime`: running, or ready to run and waiting for a processor. */
  busyTime: number;
  /** From acceptance to running, of the oldest post of each wake-up. */
  acceptToRun: HistogramSnapshot;
  /** How late the loop's timers and deadlines ran: lease renewals, timeouts, intervals. */
  lateness: HistogramSnapshot;
  /** How long a post ran on the loop thread: of the first of each pass, and of every 16th after it. */
  callbackTime: HistogramSnapshot;
}

/** The native side's figures, and those that follow from them. */
export function loopStats(name: string, stats: NativeLoopStats): LoopStats {
  return {
    name,
    ...stats,
    efficiency: stats.iterations === 0 ? 0 : stats.events / stats.iterations,
    busyTime: stats.uptime - stats.idleTime,
  };
}
