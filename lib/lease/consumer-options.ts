// The options of a consumer, checked and filled in.

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { SideloopTypeError } from '../errors.js';
import { checkNames, type OptionNames, wholeNumber } from '../options.js';
import { partitionStream, queueKeys } from './keys.js';

/** What a consumer reads, and how it holds what it has read. Times are in whole ms. */
export interface ConsumerOptions {
  /** The stream's key; of a queue with priorities or partitions, the name that their keys are made of. */
  stream: string;
  /** The consumer group. It is made where it is missing. */
  group: string;
  /** This consumer's name in the group, which no other may have. Default: `<hostname>:<pid>:<random>`. */
  name?: string;
  /**
   * For how long an entry is ours without a renewal, 100 or more: an entry that was idle for so long is taken over by
   * others. It must be the same for all consumers of a group. Default 30,000.
   */
  leaseMs?: number;
  /** From one renewal to the next; less than `leaseMs`. Default: a third of it. */
  renewEveryMs?: number;
  /** After so long a job's lease ends, whoever renews it; Infinity: never. Default 3,600,000, an hour. */
  maxLeaseMs?: number;
  /** After so long without a sign of this JS thread the leases of its jobs end. Default: never. */
  maxBlockMs?: number;
  /** Jobs begun and not settled, 1 or more. Default 1. */
  concurrency?: number;
  /** Entries held ready beyond those, 0 or more. Default: `concurrency`. */
  prefetch?: number;
  /** The levels of urgency, most urgent first, 8 at most: a stream for each. Default: one stream, without levels. */
  priorities?: readonly string[];
  /** Deliveries of a job, 1 or more, after which it becomes a dead letter. Default 5. */
  maxAttempts?: number;
  /**
   * How long a failed job waits for its next attempt; a function is told which attempt has failed, from 1. Default: a random
   * time up to a second, and up to twice as long after each further attempt, up to a minute: {@link defaultRetryDelayMs}.
   */
  retryDelayMs?: number | ((attempt: number) => number);
  /**
   * The stream of dead letters, which is none of the queue's other keys. Default: `{<queue>}:dead`, or `<queue>:dead` where the
   * queue's name has a hash tag.
   */
  deadLetter?: string;
  /** How often it looks for entries that others have let go of. Default: half of `leaseMs`. */
  recoverEveryMs?: number;
  /**
   * Whether what is acked, tried again or a dead letter is deleted from the stream too. Default: where the stream has one
   * group, as then nobody else has a use for it; where it has several, a warning says once that it is kept.
   */
  deleteAcked?: boolean;
  /** Keeps the last so many that were acked, 0 or more, where they would be deleted by default. Not with `deleteAcked`. */
  keepAcked?: number;
  /** The partitions to read: a queue for each. Default: one queue, without partitions. */
  partitions?: readonly string[];
  /** Where a group that is made begins: `0` at the oldest entry, `$` behind the newest. Default `0`. */
  start?: string;
}

const NAMES: OptionNames<ConsumerOptions> = {
  stream: true,
  group: true,
  name: true,
  leaseMs: true,
  renewEveryMs: true,
  maxLeaseMs: true,
  maxBlockMs: true,
  concurrency: true,
  prefetch: true,
  priorities: true,
  maxAttempts: true,
  retryDelayMs: true,
  deadLetter: true,
  recoverEveryMs: true,
  deleteAcked: true,
  keepAcked: true,
  partitions: true,
  start: true,
};

/** All of them. -1: no bound. */
export interface CheckedOptions {
  stream: string;
  group: string;
  name: string;
  leaseMs: number;
  renewEveryMs: number;
  maxLeaseMs: number;
  maxBlockMs: number;
  concurrency: number;
  prefetch: number;
  priorities: readonly string[] | undefined;
  maxAttempts: number;
  retryDelayMs: number | ((attempt: number) => number);
  deadLetter: string | undefined;
  recoverEveryMs: number;
  deleteAcked: boolean | undefined;
  keepAcked: number | undefined;
  partitions: readonly string[] | undefined;
  start: string;
}

const LONGEST = 2 ** 31;
// A place in each round of 16 entries must be left to the most urgent level.
const MOST_LEVELS = 8;
const MOST_HELD = 100_000;

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkOptions(options: ConsumerOptions): CheckedOptions {
  checkNames(options, NAMES, 'Consumer');
  const { stream, group, priorities, deadLetter, partitions, start = '0' } = options;
  const leaseMs = whole('leaseMs', options.leaseMs ?? 30_000, 100, LONGEST);
  const concurrency = whole('concurrency', options.concurrency ?? 1, 1, MOST_HELD);
  const { retryDelayMs = defaultRetryDelayMs } = options;
  if (typeof retryDelayMs !== 'function') delayOf(retryDelayMs, 'retryDelayMs');
  if (priorities !== undefined && priorities.length > MOST_LEVELS) {
    throw wrong('priorities', `must be ${MOST_LEVELS} levels at most`);
  }
  if (partitions !== undefined && (!Array.isArray(partitions) || partitions.length === 0)) {
    throw wrong('partitions', 'must be an array of one name or more');
  }
  if (partitions !== undefined && new Set(partitions).size < partitions.length) {
    throw wrong('partitions', 'must name each partition once');
  }
  if (options.keepAcked !== undefined && options.deleteAcked !== undefined) {
    throw wrong('keepAcked', 'can not be given together with deleteAcked');
  }
  if (!/^(\$|\d+(-\d+)?)$/.test(start)) throw wrong('start', "must be '0', '$' or an entry's id");
  if (deadLetter !== undefined) checkDeadLetter(options, text('deadLetter', deadLetter));
  return {
    stream: text('stream', stream),
    group: text('group', group),
    name: text('name', options.name ?? newName()),
    leaseMs,
    renewEveryMs: whole(
      'renewEveryMs',
      options.renewEveryMs ?? Math.floor(leaseMs / 3),
      1,
      leaseMs - 1,
    ),
    maxLeaseMs: bound('maxLeaseMs', options.maxLeaseMs ?? 3_600_000),
    maxBlockMs: bound('maxBlockMs', options.maxBlockMs ?? Number.POSITIVE_INFINITY),
    concurrency,
    prefetch: whole('prefetch', options.prefetch ?? concurrency, 0, MOST_HELD),
    priorities,
    maxAttempts: whole('maxAttempts', options.maxAttempts ?? 5, 1, LONGEST),
    retryDelayMs,
    deadLetter: deadLetter === undefined ? undefined : text('deadLetter', deadLetter),
    recoverEveryMs: whole(
      'recoverEveryMs',
      options.recoverEveryMs ?? Math.floor(leaseMs / 2),
      10,
      LONGEST,
    ),
    deleteAcked:
      options.deleteAcked === undefined ? undefined : flag('deleteAcked', options.deleteAcked),
    keepAcked:
      options.keepAcked === undefined
        ? undefined
        : whole('keepAcked', options.keepAcked, 0, 1_000_000_000),
    partitions,
    start,
  };
}

/** A job that is put away into its own queue is run again without end; any other key of the queue would become a stream. */
function checkDeadLetter(options: ConsumerOptions, deadLetter: string): void {
  const { stream, partitions, priorities } = options;
  const queues = partitions?.map((name) => partitionStream(stream, name)) ?? [stream];
  if (queues.some((queue) => queueKeys(queue, priorities).owns(deadLetter))) {
    throw wrong('deadLetter', `must be a stream of its own: '${deadLetter}' is a key of the queue`);
  }
}

/**
 * How long a failed job waits where nothing else is said: a random time from 0 to min(60 s, 1 s x 2^(attempt - 1)), in ms.
 * What has failed for a cause that lasts gets time to pass, and jobs that have failed together are not tried together.
 */
export function defaultRetryDelayMs(attempt: number): number {
  return Math.random() * Math.min(60_000, 1000 * 2 ** (attempt - 1));
}

/** A delay that a user has given; 0 or more, in ms. */
export function delayOf(ms: unknown, name: string): number {
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= Number.MAX_SAFE_INTEGER)) {
    throw wrong(name, 'must be a number of ms, 0 or more');
  }
  return Math.ceil(ms);
}

/** A time that is given to close() and the like. */
export function whole(name: string, value: unknown, least: number, most = LONGEST): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw wrong(name, `must be ${wholeNumber(name)} from ${least} to ${most}`);
  }
  return value as number;
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrong(name, 'must be true or false');
  return value;
}

function bound(name: string, value: number): number {
  return value === Number.POSITIVE_INFINITY ? -1 : whole(name, value, 1, Number.MAX_SAFE_INTEGER);
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') {
    throw wrong(name, 'must be a string that is not empty');
  }
  return value;
}

function newName(): string {
  return `${hostname()}:${process.pid}:${randomBytes(6).toString('base64url')}`;
}

function wrong(name: string, rule: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${name} ${rule}.`);
}
