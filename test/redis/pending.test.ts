// The promises that wait for replies. A failure here is a promise with another command's reply, or one that is never
// settled.

import { describe, expect, test } from 'vitest';
import { parseFailure } from '../../lib/errors.js';
import { PendingRing } from '../../lib/redis/pending.js';
import { define } from '../../lib/redis/sender.js';

const GET = define('GET');

/** A ring with so many commands, and what becomes of them. */
function ringOf(count: number): { ring: PendingRing; settled: Promise<unknown[]> } {
  const ring = new PendingRing();
  const promises = Array.from({ length: count }, () => ring.push(GET, 1));
  const outcome = (promise: Promise<unknown>) => promise.catch((error) => error.code);
  return { ring, settled: Promise.all(promises.map(outcome)) };
}

describe('a delivery that settles more than waits', () => {
  const fail = (text: string) => (ring: PendingRing) => ring.fail(parseFailure(text));
  test.each([
    ['by values', (ring: PendingRing) => ring.settle(['a', 'b', 'c'])],
    ['by an error', fail('3\n0\nREDIS_CLOSED\nclosed')],
    ['by an error with a count that is no number', fail('x\n0\nREDIS_CLOSED\nclosed')],
    ['by far', fail('4294967295\n1\nREDIS_CLOSED\nclosed')],
  ])('%s fails what waits by name', async (_, deliver) => {
    const { ring, settled } = ringOf(2);
    expect(() => deliver(ring)).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_DELIVERY' }));
    expect(await settled).toEqual(['ERR_SIDELOOP_DELIVERY', 'ERR_SIDELOOP_DELIVERY']);
    expect(ring).toMatchObject({ size: 0, bytes: 0 });
    // It goes on with what is sent from now on.
    const next = ring.push(GET, 1);
    ring.settle(['next']);
    expect(await next).toBe('next');
  });
});
