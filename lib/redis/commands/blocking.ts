// The commands that wait by design: for another client, or for a replica.

import type { Arg } from '../sender.js';
import { wordOf } from '../word.js';

/** For as long as it takes. */
export const FOR_EVER = -1;

// What a command's head has room for: 24 days.
const MOST_MS = 2 ** 31 - 1;

/** How long a command of these arguments waits, in ms or for ever; undefined where it does not wait. */
type Wait = (args: readonly Arg[]) => number | undefined;

/** A timeout that stands at this place, from the end where it is negative. Of 0 it waits for ever. */
const timeoutAt =
  (place: number, unit: number): Wait =>
  (args) => {
    const text = wordOf(args.at(place)).trim();
    const timeout = text === '' ? Number.NaN : Number(text);
    // The server refuses what is no timeout, at once.
    if (!Number.isFinite(timeout) || timeout < 0) return undefined;
    if (timeout === 0) return FOR_EVER;
    const ms = Math.ceil(timeout * unit);
    return ms > MOST_MS ? FOR_EVER : ms;
  };

const SECONDS = 1000;
const MILLISECONDS = 1;

// The words that may stand before STREAMS, with the number of those that belong to each.
const READ_OPTIONS = new Map([
  ['BLOCK', 1],
  ['CLAIM', 1],
  ['COUNT', 1],
  ['GROUP', 2],
  ['NOACK', 0],
]);

/** XREAD and XREADGROUP wait with BLOCK alone, which may also be the name of a group or a stream. */
const timeoutOfRead: Wait = (args) => {
  let wait: number | undefined;
  for (let at = 0; at < args.length; ) {
    const word = wordOf(args[at]).toUpperCase();
    if (word === 'STREAMS') return wait;
    const more = READ_OPTIONS.get(word);
    // Of a newer server: what was read before it holds.
    if (more === undefined) return wait;
    if (word === 'BLOCK') wait = timeoutAt(at + 1, MILLISECONDS)(args);
    at += 1 + more;
  }
  return wait;
};

const WAITS: ReadonlyMap<string, Wait> = new Map([
  ['BLMOVE', timeoutAt(-1, SECONDS)],
  ['BLMPOP', timeoutAt(0, SECONDS)],
  ['BLPOP', timeoutAt(-1, SECONDS)],
  ['BRPOP', timeoutAt(-1, SECONDS)],
  ['BRPOPLPUSH', timeoutAt(-1, SECONDS)],
  ['BZMPOP', timeoutAt(0, SECONDS)],
  ['BZPOPMAX', timeoutAt(-1, SECONDS)],
  ['BZPOPMIN', timeoutAt(-1, SECONDS)],
  ['WAIT', timeoutAt(1, MILLISECONDS)],
  ['WAITAOF', timeoutAt(2, MILLISECONDS)],
  ['XREAD', timeoutOfRead],
  ['XREADGROUP', timeoutOfRead],
]);

/**
 * Whether a command of this upper-case name may wait, which its arguments say. Scripts and others that merely work for long
 * (MIGRATE) are not among them: the server itself is silent to everybody then.
 */
export function mayWait(name: string): boolean {
  return WAITS.has(name);
}

/**
 * For how long a command waits with these arguments, which follow its name: ms, or FOR_EVER. Undefined where it does not.
 * Silence for so long while it is in flight is no sign of a dead connection.
 */
export function waits(name: string, args: readonly Arg[]): number | undefined {
  return WAITS.get(name)?.(args);
}
