// The counter of tokens, where it is to go some day. A failure here means keys that stay for ever, or tokens that begin anew
// while somebody holds one.

import { expect, test } from 'vitest';
import { acquire } from '../../lib/lease/index.js';
import { ConsumerSide } from './consumer-side.js';

const side = new ConsumerSide();
const pttl = (key: string) => side.redis.call('PTTL', key) as Promise<number>;

test('it stays for ever by default', async () => {
  const lease = await acquire(side.redis, 'k', { ttlMs: 5_000 });
  expect(await pttl('{k}:fence')).toBe(-1);
  await lease.release();
  expect(await pttl('{k}:fence')).toBe(-1);
});

test('it stays for fenceTtlMs after the grant, and after each renewal', async () => {
  const options = { ttlMs: 5_000, renewEveryMs: 50, fenceTtlMs: 600_000 };
  const lease = await acquire(side.redis, 'k', options);
  expect(await pttl('{k}:fence')).toBeGreaterThan(500_000);
  await side.redis.call('PEXPIRE', '{k}:fence', 10_000);
  await expect.poll(() => pttl('{k}:fence')).toBeGreaterThan(500_000);
  await lease.release();
  const again = await acquire(side.redis, 'k', options);
  expect(again.token).toBe(2);
  await again.release();
  expect(await pttl('{k}:fence')).toBeGreaterThan(500_000);
});

test('each lease has its own, of those that are renewed together', async () => {
  const options = { ttlMs: 5_000, renewEveryMs: 50 };
  await acquire(side.redis, 'a', { ...options, fenceTtlMs: 600_000 });
  await acquire(side.redis, 'b', options);
  await acquire(side.redis, 'c', { ...options, fenceTtlMs: 900_000, fenceKey: 'counter' });
  for (const key of ['{a}:fence', 'counter']) await side.redis.call('PEXPIRE', key, 10_000);
  await expect.poll(() => pttl('{a}:fence')).toBeGreaterThan(500_000);
  await expect.poll(() => pttl('counter')).toBeGreaterThan(800_000);
  expect(await pttl('{b}:fence')).toBe(-1);
});

test.each([4_999, 0, -1, 1.5, Number.NaN, '10000', null])(
  'what is no time of ttlMs or more is refused: %s',
  async (ms) => {
    const wrong = acquire(side.redis, 'k', { ttlMs: 5_000, fenceTtlMs: ms as number });
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    expect(await side.redis.call('EXISTS', 'k', '{k}:fence')).toBe(0);
  },
);
