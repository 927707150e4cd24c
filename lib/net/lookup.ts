// A resolver of the user's, which runs on this JS thread.

import type { LookupFunction } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { SystemError } from '../errors.js';
import { nextTick } from '../turns.js';

/**
 * How a lookup is asked: with all three in any case. node:net leaves `family` out where none is given, and `all` where the
 * family or the local address is; a lookup may answer with one address whatever it is asked.
 */
export interface LookupQuestion {
  family: 0 | 4 | 6;
  hints: number;
  all: boolean;
}

/** An address, and what it belongs to. Without one where the lookup failed. */
interface Found {
  address: string | undefined;
  family: unknown;
}

/**
 * Asks `lookup`, which may answer with one address or with all of them. Calls back once, in a later tick: with its answer, or with
 * `ETIMEDOUT` where there is none after `deadlineMs`; 0: no deadline. What it throws is an error like one that it calls back with.
 */
export function lookUp(
  lookup: LookupFunction,
  { host, port }: { host: string; port: number },
  question: LookupQuestion,
  deadlineMs: number,
  callback: (error: Error | null, found: readonly Found[]) => void,
): void {
  let clock: NodeJS.Timeout | undefined;
  let answered = false;
  const answer = (error: Error | null, found: readonly Found[]) => {
    if (answered) return;
    answered = true;
    clearTimeout(clock);
    // It may answer at once. Whoever connects hears of an error only when he has got the socket.
    nextTick(callback, error, found);
  };
  if (deadlineMs > 0) {
    const timeOut = () =>
      answer(new SystemError(timedOut(), 'connect', { address: host, port }), []);
    clock = setTimeout(timeOut, deadlineMs);
  }
  const fail = (error: Error) => answer(error, [{ address: undefined, family: undefined }]);
  try {
    lookup(host, { ...question }, (error, found, foundFamily) => {
      if (error) fail(error);
      else answer(null, foundIn(found, foundFamily));
    });
  } catch (thrown) {
    fail(thrown as Error);
  }
}

/** Whatever it answered with. */
function foundIn(answered: unknown, family: unknown): Found[] {
  const all: unknown[] = Array.isArray(answered) ? answered : [{ address: answered, family }];
  return all.map((each) => {
    const { address, family } = Object(each) as { address: unknown; family: unknown };
    return { address: typeof address === 'string' ? address : undefined, family };
  });
}

/** ETIMEDOUT's number, which is another one on each system. */
function timedOut(): number {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === 'ETIMEDOUT') return errno;
  return 0;
}
