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

type Fence = number | undefined;
/** The counter's expiry after a holder with `fenceTtlMs` of its own; -1: it stays for ever. */
async function afterHolder(fenceTtlMs: Fence, token: number): Promise<number> {
  const term = fenceTtlMs === undefined ? {} : { fenceTtlMs };
  const lease = await acquire(side.redis, 'k', { ttlMs: 5_000, ...term });
  expect(lease.token).toBe(token);
  await lease.release();
  return pttl('{k}:fence');
}
const differing: [fences: Fence[], least: number][] = [
  [[10_000, undefined], -1],
  [[undefined, 10_000], -1],
  [[10_000, undefined, 10_000], -1],
  [[undefined, 10_000, undefined, 900_000], -1],
  [[900_000, 10_000], 800_000],
  [[10_000, 900_000], 800_000],
  [[10_000, 900_000, 20_000, 5_000], 800_000],
  [[5_000, 10_000, 900_000], 800_000],
  [[Number.MAX_SAFE_INTEGER, 10_000], 2 ** 52],
  [[10_000, Number.MAX_SAFE_INTEGER], 2 ** 52],
];
test.each(differing)(
  'holders of %j, one after the other: the longest counts',
  async (fences, least) => {
    let left = 0;
    for (const [i, fenceTtlMs] of fences.entries()) left = await afterHolder(fenceTtlMs, i + 1);
    if (least < 0) expect(left).toBe(-1);
    else expect(left).toBeGreaterThan(least);
  },
);

test('one that stays for ever still does so where its holder has a renewal only', async () => {
  await acquire(side.redis, 'k', { ttlMs: 5_000, renewEveryMs: 50 });
  await side.redis.call('PEXPIRE', '{k}:fence', 10_000);
  await expect.poll(() => pttl('{k}:fence')).toBe(-1);
});

test('leases that share it and are renewed side by side: the longest counts', async () => {
  const options = { ttlMs: 5_000, renewEveryMs: 50, fenceKey: 'counter' };
  const short = await acquire(side.redis, 'a', { ...options, fenceTtlMs: 10_000 });
  const long = await acquire(side.redis, 'b', { ...options, fenceTtlMs: 900_000 });
  const renewed = async () => {
    const before = [short.stats().renewals, long.stats().renewals] as const;
    await expect.poll(() => short.stats().renewals).toBeGreaterThan(before[0]);
    await expect.poll(() => long.stats().renewals).toBeGreaterThan(before[1]);
  };
  await renewed();
  expect(await pttl('counter')).toBeGreaterThan(800_000);
  const always = await acquire(side.redis, 'c', options);
  await renewed();
  expect(await pttl('counter')).toBe(-1);
  expect([short.token, long.token, always.token]).toEqual([1, 2, 3]);
});

test('a server that refuses to keep the counter still renews the lease', async () => {
  const lease = await acquire(side.redis, 'k', {
    ttlMs: 5_000,
    renewEveryMs: 50,
    fenceTtlMs: 9_000,
  });
  await side.redis.call('ACL', 'SETUSER', 'default', '-pttl');
  try {
    const { renewals } = lease.stats();
    await expect.poll(() => lease.stats().renewals).toBeGreaterThan(renewals + 1);
  } finally {
    await side.redis.call('ACL', 'SETUSER', 'default', '+pttl');
  }
  expect(await lease.release()).toBe(true);
});

test.each([4_999, 0, -1, 1.5, Number.NaN, '10000', null])(
  'what is no time of ttlMs or more is refused: %s',
  async (ms) => {
    const wrong = acquire(side.redis, 'k', { ttlMs: 5_000, fenceTtlMs: ms as number });
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    expect(await side.redis.call('EXISTS', 'k', '{k}:fence')).toBe(0);
  },
);
