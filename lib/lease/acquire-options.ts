// How a lease is acquired: options as they were given, checked.

import { checkSignal } from '../abort-listeners.js';
import { SideloopTypeError } from '../errors.js';
import { checkNames, type OptionNames, wholeNumber } from '../options.js';

/** How long to wait for a lease that somebody else holds. */
export interface WaitOptions {
  /** At most so many ms, from the call on. Default: as long as it takes. */
  forMs?: number;
  /** How many may wait for the key, of all clients together. Default 1000. */
  maxWaiters?: number;
}

/** Options of {@link acquire}. Times are in whole ms. */
export interface AcquireOptions {
  /** How long the server holds the lease for us without a renewal; from 10 to 2^31. */
  ttlMs: number;
  /** From one renewal to the next; less than `ttlMs`. Default: a third of it. */
  renewEveryMs?: number;
  /** How long a renewal may take; then it counts as late, and its answer still does. Default: `renewEveryMs`. */
  renewTimeoutMs?: number;
  /** The lease ends after so long, whoever renews it; see {@link Lease.extend}. Default 3,600,000, an hour. `Infinity`: never. */
  maxLeaseMs?: number;
  /** The lease ends when this thread is busy for so long without a break. Default: none. */
  maxBlockMs?: number;
  /** Ends the wait: the promise rejects with an AbortError. It has no effect on a lease that was granted. */
  signal?: AbortSignal;
  /** Whether to wait where somebody else holds it: in a queue, first come first served. Default false. */
  wait?: boolean | WaitOptions;
  /** The key that counts the fencing tokens. Default `{<key>}:fence`, or `<key>:fence` where the key has a hash tag. */
  fenceKey?: string;
  /**
   * For how long that key stays at the server after the last grant or renewal; `ttlMs` or more. Then tokens begin at 1 again, so
   * choose a time after which nobody holds a token of before. It only extends: where holders of a key differ the longest counts,
   * and one for ever makes it stay for ever. Default: for ever.
   */
  fenceTtlMs?: number;
}

/** What was given, with all defaults filled in. */
export interface AcquireTerms {
  /** As native/binding/lease_wrap.cc takes them; -1: none. */
  numbers: Float64Array;
  signal: AbortSignal | undefined;
  fenceKey: string | undefined;
}

const NAMES: OptionNames<AcquireOptions> = {
  ttlMs: true,
  renewEveryMs: true,
  renewTimeoutMs: true,
  maxLeaseMs: true,
  maxBlockMs: true,
  signal: true,
  wait: true,
  fenceKey: true,
  fenceTtlMs: true,
};
const WAIT_NAMES: OptionNames<WaitOptions> = { forMs: true, maxWaiters: true };

const MOST_MS = 2 ** 31;

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkAcquireOptions(options: AcquireOptions): AcquireTerms {
  checkNames(options, NAMES, 'acquire()');
  const { signal, fenceKey, wait = false } = options;
  checkSignal(signal);
  if (fenceKey !== undefined && (typeof fenceKey !== 'string' || fenceKey === '')) {
    throw wrong('fenceKey must be a string that is not empty');
  }
  const ttl = whole('ttlMs', options.ttlMs, 10, MOST_MS);
  const every = whole(
    'renewEveryMs',
    options.renewEveryMs ?? Math.max(1, Math.floor(ttl / 3)),
    1,
    ttl - 1,
  );
  const { forMs, maxWaiters } = checkWait(wait);
  const numbers = Float64Array.of(
    ttl,
    every,
    whole('renewTimeoutMs', options.renewTimeoutMs ?? every, 1, MOST_MS),
    checkMaxLease(options.maxLeaseMs ?? 3_600_000),
    options.maxBlockMs === undefined ? -1 : whole('maxBlockMs', options.maxBlockMs, 1, MOST_MS),
    wait === false ? 0 : 1,
    forMs,
    maxWaiters,
    options.fenceTtlMs === undefined
      ? -1
      : whole('fenceTtlMs', options.fenceTtlMs, ttl, Number.MAX_SAFE_INTEGER),
  );
  return { numbers, signal, fenceKey };
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` */
export function checkExtension(ms: number): number {
  return whole('An extension', ms, 1, Number.MAX_SAFE_INTEGER, '', 'a whole number of ms');
}

function checkWait(wait: boolean | WaitOptions): Required<WaitOptions> {
  if (typeof wait !== 'boolean' && (typeof wait !== 'object' || wait === null)) {
    throw wrong('wait must be a boolean, or an object with forMs and maxWaiters');
  }
  if (typeof wait !== 'boolean') checkNames(wait, WAIT_NAMES, 'wait');
  const { forMs, maxWaiters = 1000 } = typeof wait === 'boolean' ? {} : wait;
  return {
    forMs: forMs === undefined ? -1 : whole('wait.forMs', forMs, 1, MOST_MS),
    maxWaiters: whole('wait.maxWaiters', maxWaiters, 1, 1_000_000),
  };
}

function checkMaxLease(ms: number): number {
  return ms === Number.POSITIVE_INFINITY
    ? -1
    : whole('maxLeaseMs', ms, 1, Number.MAX_SAFE_INTEGER, ', or Infinity');
}

function whole(
  name: string,
  value: unknown,
  least: number,
  most: number,
  or = '',
  kind = wholeNumber(name),
): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number;
  }
  throw wrong(`${name} must be ${kind} from ${least} to ${most}${or}`);
}

function wrong(rule: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${rule}.`);
}
