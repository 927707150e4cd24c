// How the two sides of a consumer talk: native/links/consumer_link.h and native/lease/consumer_reports.h have the same.

import type { Word } from './entry.js';
import type { LeaseEndReason } from './lease-error.js';

/** What this side says, each followed by its words. */
export const Command = {
  /** handle, serial */
  ack: 1,
  /** handle, serial, ms (2 words), 1: no more attempts, bytes of the error's text */
  fail: 2,
  /** handle, serial, ms (2 words) */
  extend: 3,
  /** handle, serial */
  giveBack: 4,
  /** ms (2 words) */
  close: 5,
  /** After a lease has ended for what this thread did not do in time: nothing is read until then. */
  here: 6,
} as const;

/** What the other side says. */
export const Report = {
  /** handle, serial, deliveries, level, fields; texts: id, then each field and its value */
  job: 1,
  /** handle, outcome */
  settled: 2,
  /** handle, reason */
  ended: 3,
  /** handle, 1: may have run; texts: code, message */
  refused: 4,
  /** 1: healthy; text: why not */
  health: 5,
  /** texts: code, message */
  error: 6,
  closed: 7,
  /** deliveries, level, fields; texts as those of a job: nobody has settled its last attempt */
  dead: 8,
} as const;

/** What became of a settlement. */
export const Outcome = {
  /** It was carried out, and the answer was lost. */
  unknown: 0,
  acked: 1,
  retrying: 2,
  dead: 3,
} as const;

/** By the number in a report. */
export const END_REASONS: readonly LeaseEndReason[] = [
  'lost',
  'expired',
  'max-lease',
  'js-blocked',
  'released',
  'loop-stopped',
];

/** One message: the words of its reports, and the texts that they speak of. */
export type Message = [words: Int32Array, ...texts: Word[]];
