// Why a lease is over, as whoever holds it hears of it.

import { SideloopError } from '../errors.js';

/**
 * What ended a lease.
 *
 * - `lost`: the server says that it is somebody else's, or nobody's: its key was deleted, overwritten, or expired.
 * - `expired`: no renewal was accepted in time. It may still be ours at the server, but that is not certain any more.
 * - `max-lease`: its `maxLeaseMs` are over.
 * - `js-blocked`: this thread showed no sign of life for `maxBlockMs`.
 * - `released`: by its holder, or because the client that it was acquired with has ended.
 * - `loop-stopped`: the loop was stopped or destroyed.
 */
export type LeaseEndReason =
  | 'lost'
  | 'expired'
  | 'max-lease'
  | 'js-blocked'
  | 'released'
  | 'loop-stopped';

const WORDS: Record<LeaseEndReason, string> = {
  lost: 'The server says that it is not ours any more. Stop what it protects: somebody else may hold it',
  expired:
    'No renewal was accepted in time. Stop what it protects: somebody else may hold it. Where that happens often, give it ' +
    'a longer time to live',
  'max-lease': 'It lasted as long as it was allowed to. Call extend() in time, or allow it more',
  'js-blocked':
    'This thread was busy for longer than it was allowed to. Divide long computations, or allow it more',
  released: 'It was released. Acquire it anew',
  'loop-stopped': 'The loop was stopped. Acquire it anew on another loop',
};

/** A lease is over; `reason` says why. The reason of a lease's `signal`, and what is thrown by what comes too late. */
export class LeaseError extends SideloopError {
  /** What ended it. */
  readonly reason: LeaseEndReason;
  /** When it ended, as the loop thread saw it: in ms, of this thread's `performance.now()`. */
  readonly endedAt: number;

  /** @internal */
  constructor(reason: LeaseEndReason, endedAt: number, options?: ErrorOptions) {
    super(
      'ERR_SIDELOOP_LEASE_ENDED',
      `The lease has ended (${reason}). ${WORDS[reason]}.`,
      options,
    );
    this.name = 'LeaseError';
    this.reason = reason;
    this.endedAt = endedAt;
  }
}
