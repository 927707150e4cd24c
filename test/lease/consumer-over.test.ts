// When a job is over. A failure here is a run() that hangs for ever behind a handler that does, or an error that says that
// another may have a job which was settled.

import { expect, test } from 'vitest';
import { acquire } from '../../lib/lease/index.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();

test('run() ends with the leases of handlers that never return', async () => {
  await side.add(2);
  const consumer = side.consumer({ concurrency: 2, prefetch: 0 });
  const run = consumer.run(() => new Promise(() => {}));
  await expect.poll(() => consumer.stats().active).toBe(2);
  await consumer.close({ deadlineMs: 10 });
  await run;
  expect(consumer.stats().active).toBe(0);
});

test('a job that was settled says so, and not that another may have it', async () => {
  await side.add(2);
  const [one, two] = await take(side.consumer({ concurrency: 2 }), 2);
  await one?.ack();
  await expect(one?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_JOB_SETTLED' });
  await expect(one?.fail('late')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_JOB_SETTLED' });
  await two?.fail('no', { dead: true });
  await expect(two?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_JOB_SETTLED' });
});

test('a key without an expiry is told from a lease', async () => {
  await side.redis.set('taken', 'for ever');
  await expect(acquire(side.redis, 'taken', { ttlMs: 1000 })).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_LEASE_HELD',
    message: expect.stringContaining('without an expiry'),
  });
});
