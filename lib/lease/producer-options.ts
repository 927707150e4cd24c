// What a producer is told at its making, and what it gives for each job.

import { checkNames, type OptionNames, wholeNumber } from '../options.js';
import { wrong } from './producer-errors.js';

/** How a stream is kept short: by `maxLength` or by `minAgeMs`. */
export interface TrimOptions {
  /** Entries that stay, 1 or more: the youngest. */
  maxLength?: number;
  /** Only entries of at least this age go, in ms by the server's clock. Needs Redis 6.2. */
  minAgeMs?: number;
  /** True: exactly so. Default false: a few more entries may stay, which costs the server far less. */
  exact?: boolean;
}

/** Options of a {@link Producer}. Times are in whole ms. */
export interface ProducerOptions {
  /** The name of the queue: of its stream, or with priorities or partitions the stem of its streams' names. */
  stream: string;
  /** Levels, the most urgent first, as the consumers have them. Default: none. */
  priorities?: readonly string[];
  /** Names of partitions, as the consumers have them. Default: none. */
  partitions?: readonly string[];
  /** How long an idempotency key is remembered from the first add on. Default 86,400,000: a day. */
  dedupeMs?: number;
  /**
   * Removes old entries at each add. This deletes jobs that nobody has read yet, if there are too many or they are too old:
   * prefer that the consumers delete what is done, as they do by default. Default: nothing is removed.
   */
  trim?: TrimOptions;
  /** Adds under way at a time; more wait their turn, first come, first served. Default 10,000. */
  maxPending?: number;
  /**
   * The length of the stream, of this level and partition, from which on `add()` rejects with `ERR_SIDELOOP_BACKLOG_FULL`.
   * Of delayed jobs there can be as many, in each partition. Default: no bound.
   */
  maxBacklog?: number;
}

/** Options of one job. */
export interface AddOptions {
  /**
   * A job of this key is added once in `dedupeMs`; a repeat resolves with the first one's id and `duplicate: true`. Each
   * partition remembers its own: without a partitionKey, this key chooses the partition.
   */
  idempotencyKey?: string;
  /** One of the producer's `priorities`. Default: the last, the least urgent. */
  priority?: string;
  /** Makes it due so many whole ms from now, counted by the server's clock. Default: at once. */
  delayMs?: number;
  /** Makes it due at this time, in place of delayMs, by the server's clock. A number is in ms since 1970. */
  at?: Date | number;
  /** Jobs of the same key go to the same partition. Default: by idempotencyKey, or each to the next partition. */
  partitionKey?: string;
  /** Gives up waiting for one's turn. An add that was sent is not taken back, but is not repeated either. */
  signal?: AbortSignal;
}

/** The content of a job: one field or more. Numbers are sent as their decimal text. */
export type JobFields = Record<string, string | number | bigint | Uint8Array>;

/** One of several jobs. */
export interface NewJob extends AddOptions {
  /** The content. */
  fields: JobFields;
}

/** What became of an add. */
export interface Added {
  /** The id that the job has at the consumer. */
  id: string;
  /** True: the idempotency key was known, nothing was added, and `id` is that of the first. */
  duplicate: boolean;
  /** Where it is, if there are partitions. */
  partition?: string;
}

const NAMES: OptionNames<ProducerOptions> = {
  stream: true,
  priorities: true,
  partitions: true,
  dedupeMs: true,
  trim: true,
  maxPending: true,
  maxBacklog: true,
};
const TRIM_NAMES: OptionNames<TrimOptions> = { maxLength: true, minAgeMs: true, exact: true };
export const ADD_NAMES: OptionNames<AddOptions> = {
  idempotencyKey: true,
  priority: true,
  delayMs: true,
  at: true,
  partitionKey: true,
  signal: true,
};
export const JOB_NAMES: OptionNames<NewJob> = { ...ADD_NAMES, fields: true };

/** The options, checked, without what the partitions are. */
export interface ProducerSettings {
  readonly priorities: readonly string[] | undefined;
  readonly dedupeMs: number;
  /** The words of XADD, between the key and the id; of minAgeMs the script makes them. */
  readonly maxLength: readonly (string | number)[];
  /** -1: none. */
  readonly minAgeMs: number;
  readonly exact: boolean;
  readonly maxPending: number;
  /** -1: none. */
  readonly maxBacklog: number;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkOptions(options: ProducerOptions): ProducerSettings {
  checkNames(options, NAMES, 'Producer');
  const { dedupeMs = 86_400_000, maxPending = 10_000, maxBacklog = -1, priorities, trim } = options;
  const { maxLength, minAgeMs, exact } = checkTrim(trim);
  whole('dedupeMs', dedupeMs, 1);
  whole('maxPending', maxPending, 1);
  if (options.maxBacklog !== undefined) whole('maxBacklog', maxBacklog, 1);
  return {
    // What is no array is refused where names are made of it.
    priorities: Array.isArray(priorities) ? [...priorities] : priorities,
    dedupeMs,
    maxLength: maxLength === undefined ? [] : ['MAXLEN', exact ? '=' : '~', maxLength],
    minAgeMs: minAgeMs ?? -1,
    exact,
    maxPending,
    maxBacklog,
  };
}

function checkTrim(trim: TrimOptions | undefined): TrimOptions & { exact: boolean } {
  if (trim === undefined) return { exact: false };
  checkNames(trim, TRIM_NAMES, 'trim');
  const { maxLength, minAgeMs, exact = false } = trim;
  if ((maxLength === undefined) === (minAgeMs === undefined)) {
    throw wrong('trim', 'by maxLength or by minAgeMs, one of them');
  }
  if (maxLength !== undefined) whole('trim.maxLength', maxLength, 1);
  if (minAgeMs !== undefined) whole('trim.minAgeMs', minAgeMs, 1);
  if (typeof exact !== 'boolean') throw wrong('trim.exact', 'true or false');
  return { maxLength, minAgeMs, exact };
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `value` is no whole number of `least` or more. */
export function whole(name: string, value: unknown, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw wrong(name, `${wholeNumber(name)}, ${least} or more`);
  }
  return value as number;
}
