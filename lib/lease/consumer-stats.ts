// Figures of a consumer.

import type { HistogramSnapshot, NativeConsumerStats } from '../binding.js';

/** What a consumer did and holds, over all its partitions. */
export interface ConsumerStats {
  /** Entries it holds: ready, begun, or being settled. */
  held: number;
  /** Jobs begun and not over. */
  active: number;
  /** Entries that came to this thread. */
  delivered: number;
  acked: number;
  /** Failed, and to be tried again. */
  retried: number;
  /** Made dead letters. */
  dead: number;
  /** Entries that others had let go of, or this consumer's name in an earlier life. */
  recovered: number;
  /** Leases that another consumer has taken over. */
  lost: number;
  /** Leases that ended by a clock: expired, or by `maxLeaseMs` or `maxBlockMs`. */
  expired: number;
  /** Entries that were given to others. */
  handedBack: number;
  /** Entries that were read too late, and were another's by then: no job came of them. */
  unconfirmed: number;
  /** Delayed jobs that this consumer has moved to their streams. */
  moved: number;
  /** Reads sent. */
  reads: number;
  /** Renewals of leases that were accepted, refused, and that failed or were late; and the commands that took them. */
  renewals: { accepted: number; refused: number; failed: number; late: number; commands: number };
  /** From when a renewal was due until it was sent, in microseconds; of several partitions the highest figures. */
  jitter: HistogramSnapshot;
}

export function sumOf(parts: readonly NativeConsumerStats[], active: number): ConsumerStats {
  const sum = (name: Exclude<keyof NativeConsumerStats, 'jitter'>) =>
    parts.reduce((total, part) => total + part[name], 0);
  return {
    held: sum('held'),
    active,
    delivered: sum('delivered'),
    acked: sum('acked'),
    retried: sum('retried'),
    dead: sum('dead'),
    recovered: sum('recovered'),
    lost: sum('lost'),
    expired: sum('expired'),
    handedBack: sum('handedBack'),
    unconfirmed: sum('unconfirmed'),
    moved: sum('moved'),
    reads: sum('reads'),
    renewals: {
      accepted: sum('renewals'),
      refused: sum('renewalsRefused'),
      failed: sum('renewalsFailed'),
      late: sum('renewalsLate'),
      commands: sum('renewalCommands'),
    },
    jitter: parts.map(({ jitter }) => jitter).reduce(highest),
  };
}

function highest(a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  const names = Object.keys(a) as (keyof HistogramSnapshot)[];
  return Object.fromEntries(
    names.map((name) => [name, Math.max(a[name], b[name])]),
  ) as unknown as HistogramSnapshot;
}
