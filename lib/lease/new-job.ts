// A job that is to be added, checked: what is wrong is said before anything is sent.

import { isDate, isUint8Array } from 'node:util/types';
import { checkSignal } from '../abort-listeners.js';
import { checkUsable, copyOfBytes } from '../bytes.js';
import type { Arg } from '../redis/index.js';
import { textOf } from '../redis/sender.js';
import type { Partition, Partitions } from './partitions.js';
import { wrong } from './producer-errors.js';
import {
  type AddOptions,
  type JobFields,
  type ProducerSettings,
  whole,
} from './producer-options.js';

/** The field that holds what sideloop notes about a job. */
const RESERVED = 'sideloop';

// A script hands all words of an entry to XADD at once, and Lua takes 8000.
const MOST_FIELDS = 1000;

const CENTURY_MS = 36_525 * 86_400_000;

/** When a job is due. */
export type Due = { delayMs: number } | { at: number };

export interface CheckedJob {
  readonly partition: Partition;
  readonly stream: string;
  /** Field, value, field, value. Buffers are copies. */
  readonly words: readonly Arg[];
  readonly idempotencyKey: string | undefined;
  /** Undefined: now. */
  readonly due: Due | undefined;
  readonly signal: AbortSignal | undefined;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming what is wrong. */
export function checkJob(
  fields: JobFields,
  options: AddOptions,
  settings: ProducerSettings,
  partitions: Partitions,
): CheckedJob {
  const { idempotencyKey, partitionKey, priority, signal } = options;
  const words = wordsOf(fields);
  checkText('idempotencyKey', idempotencyKey);
  checkText('partitionKey', partitionKey);
  if (partitionKey !== undefined && partitions.all[0]?.name === undefined) {
    throw wrong('partitionKey', 'left out, as the producer has no partitions');
  }
  checkSignal(signal);
  const due = dueOf(options);
  const level = levelOf(priority, settings.priorities);
  // Last, so that a job that is wrong takes nobody's turn.
  const partition = partitions.of(partitionKey ?? idempotencyKey);
  const stream = partition.keys.streams[level] as string;
  return { partition, stream, words, idempotencyKey, due, signal };
}

function wordsOf(fields: JobFields): Arg[] {
  if (typeof fields !== 'object' || fields === null) {
    throw wrong('fields', 'an object of one field or more');
  }
  const entries = Object.entries(fields);
  if (entries.length === 0 || entries.length > MOST_FIELDS) {
    throw wrong('fields', `an object of 1 to ${MOST_FIELDS} fields, not of ${entries.length}`);
  }
  const words: Arg[] = [];
  for (const [name, value] of entries) {
    if (name === RESERVED) {
      throw wrong('fields', `without one named '${RESERVED}', which is reserved: rename it`);
    }
    words.push(name, wordOf(name, value));
  }
  return words;
}

function wordOf(name: string, value: unknown): Arg {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint') return textOf(value);
  if (typeof value === 'number' && Number.isFinite(value)) return textOf(value);
  // The add may wait, or be repeated, while the caller uses his Buffer for something else.
  if (isUint8Array(value)) {
    checkUsable(`fields: the value of '${name}'`, value);
    return copyOfBytes(value);
  }
  throw wrong(
    `fields: the value of '${name}'`,
    `a string, a finite number, a BigInt or a Buffer, not ${value === null ? 'null' : `a ${typeof value}`}; turn it into one, by ` +
      'JSON.stringify perhaps',
  );
}

function checkText(name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value !== '')) return;
  throw wrong(name, 'a string, and not an empty one');
}

function levelOf(priority: string | undefined, priorities: readonly string[] | undefined): number {
  if (priorities === undefined) {
    if (priority === undefined) return 0;
    throw wrong('priority', 'left out, as the producer has no priorities');
  }
  if (priority === undefined) return priorities.length - 1;
  const level = priorities.indexOf(priority);
  if (level === -1) throw wrong('priority', `one of ${priorities.join(', ')}`);
  return level;
}

function dueOf({ delayMs, at }: AddOptions): Due | undefined {
  if (at !== undefined) {
    if (delayMs !== undefined) throw wrong('at', 'left out where delayMs is given');
    const time = isDate(at) ? at.getTime() : at;
    // What a Date can hold is less than what a double holds to the ms.
    if (typeof time === 'number' && time >= 0 && time <= 8.64e15) {
      // Never early: a fraction of a ms is rounded up.
      return { at: Math.ceil(time) };
    }
    throw wrong('at', 'a valid Date, or ms since 1970');
  }
  if (delayMs === undefined) return undefined;
  if (whole('delayMs', delayMs, 0) > CENTURY_MS) throw wrong('delayMs', 'a century at most');
  return delayMs === 0 ? undefined : { delayMs };
}
