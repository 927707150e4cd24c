// A resolver of the user's, which runs on this JS thread.

import type { LookupFunction } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { SystemError } from '../errors.js';

/** An address, and what it belongs to. Without one where the lookup failed. */
interface Found {
  address: string | undefined;
  family: number | undefined;
}

/**
 * Asks `lookup`, which may answer with one address or with all of them. Calls back once: with its answer, or with
 * `ETIMEDOUT` where there is none after `deadlineMs`; 0: no deadline.
 */
export function lookUp(
  lookup: LookupFunction,
  host: string,
  family: number,
  deadlineMs: number,
  callback: (error: Error | null, found: Found[]) => void,
): void {
  let clock: NodeJS.Timeout | undefined;
  let answered = false;
  const answer = (error: Error | null, found: Found[]) => {
    if (answered) return;
    answered = true;
    clearTimeout(clock);
    callback(error, found);
  };
  if (deadlineMs > 0) {
    const timeOut = () => answer(new SystemError(timedOut(), 'connect', { address: host }), []);
    clock = setTimeout(timeOut, deadlineMs);
  }
  lookup(host, { family, all: true }, (error, found, foundFamily) => {
    if (error) answer(error, [{ address: undefined, family: undefined }]);
    else
      answer(null, typeof found === 'string' ? [{ address: found, family: foundFamily }] : found);
  });
}

/** ETIMEDOUT's number, which is another one on each system. */
function timedOut(): number {
  for (const [errno, [name]] of getSystemErrorMap()) if (name === 'ETIMEDOUT') return errno;
  return 0;
}
