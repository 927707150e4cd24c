// Replies that this thread does not take, because it is busy. A failure here is a process that grows until it is killed,
// a client that never reads again, or one that takes a server for dead to which it did not listen.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { blockThreadUntil } from '../block-thread.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const REPLIES_FULL = 'ERR_SIDELOOP_REDIS_REPLIES_FULL';

let server: RedisServer;
let loop: EventLoop;
let clock: Redis;
beforeAll(async () => {
  server = await startRedisServer();
  await using setUp = new Redis(server.url, { loop: new EventLoop() });
  await setUp.set('large', 'x'.repeat(256 * KIB));
  await setUp.set('small', 'y');
  for (let n = 0; n < 50; n++) {
    await setUp.rpush('list', ...Array.from({ length: 1000 }, (_, i) => `element-${i}`));
  }
});
afterAll(() => server.stop());
beforeEach(async () => {
  loop = new EventLoop();
  clock = new Redis(server.url, { loop });
  await clock.connect();
});
afterEach(() => loop.destroy());

const client = (options: RedisOptions) => new Redis(server.url, { loop, ...options });

/**
 * What these clients receive while this thread is busy and the loop thread does so many rounds with the server: by then it
 * has read what it can.
 */
function receivedWhileBusy(rounds: number, ...clients: Redis[]): number {
  const received = () => clients.reduce((sum, redis) => sum + redis.stats().bytesReceived, 0);
  // This thread may have taken some by now.
  const before = received();
  const beat = clock.repeat(['PING'], { everyMs: 1, timeoutMs: 60_000, count: rounds });
  blockThreadUntil(() => {
    const { ok, failed, late } = beat.stats();
    return ok + failed + late === rounds;
  });
  return received() - before;
}

const larges = (redis: Redis, count: number) =>
  Array.from({ length: count }, () => redis.get('large').then((text) => text?.length));

describe('a client that has its connection for itself', () => {
  test('stops reading while nobody takes its replies, and goes on then', async () => {
    const redis = client({ maxPendingReplyBytes: MIB });
    await redis.connect();
    const replies = larges(redis, 64);
    await new Promise(setImmediate);
    expect(receivedWhileBusy(200, redis)).toBeLessThan(4 * MIB);
    expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
    expect(redis.stats()).toMatchObject({ failed: 0, connects: 1, pending: 0 });
  });

  test('reads without a stop where replies are taken', async () => {
    const redis = client({ maxPendingReplyBytes: MIB });
    expect(await Promise.all(larges(redis, 64))).toEqual(new Array(64).fill(256 * KIB));
  });

  test.each([
    ['of one text', async (redis: Redis) => (await redis.get('large'))?.length, 256 * KIB],
    ['of many', async (redis: Redis) => (await redis.lrange('list', 0, -1)).length, 50_000],
  ])('gets a reply %s that is larger than the bound', async (_, ask, size) => {
    const redis = client({ maxPendingReplyBytes: 1000 });
    expect(await Promise.all([ask(redis), redis.get('small'), ask(redis)])).toEqual([
      size,
      'y',
      size,
    ]);
  });

  test('counts the half of a reply', async () => {
    const redis = client({ maxPendingReplyBytes: 64 * KIB });
    await redis.connect();
    const small = redis.get('small');
    const list = redis.lrange('list', 0, -1);
    await new Promise(setImmediate);
    expect(receivedWhileBusy(100, redis)).toBeLessThan(500 * KIB);
    expect(await small).toBe('y');
    expect(await list).toHaveLength(50_000);
  });

  test('takes nobody for dead meanwhile, and nothing for late', async () => {
    const redis = client({
      maxPendingReplyBytes: MIB,
      silenceTimeout: 150,
      commandTimeout: 600,
    });
    await redis.connect();
    const replies = larges(redis, 64);
    await new Promise(setImmediate);
    expect(receivedWhileBusy(900, redis)).toBeLessThan(4 * MIB);
    expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
    expect(redis.stats()).toMatchObject({ failed: 0, connects: 1 });
  });

  test('goes on sending what it repeats', async () => {
    const redis = client({ maxPendingReplyBytes: MIB });
    await redis.connect();
    const beat = redis.repeat(['INCR', 'beats'], { everyMs: 2 });
    const replies = larges(redis, 64);
    await new Promise(setImmediate);
    receivedWhileBusy(50, redis);
    const { sent } = beat.stats();
    blockThreadUntil(() => beat.stats().sent >= sent + 20);
    expect(receivedWhileBusy(50, redis)).toBe(0);
    await Promise.all(replies);
    beat.stop();
    await beat.ended;
    expect(Number(await clock.get('beats'))).toBe(beat.stats().sent);
  });

  test('can quit and disconnect while it rests', async () => {
    const quits = client({ maxPendingReplyBytes: MIB });
    const leaves = client({ maxPendingReplyBytes: MIB });
    await Promise.all([quits.connect(), leaves.connect()]);
    const taken = larges(quits, 64);
    const lost = Promise.allSettled(larges(leaves, 64));
    await new Promise(setImmediate);
    receivedWhileBusy(50, quits, leaves);
    const quit = quits.quit();
    leaves.disconnect();
    expect(await Promise.all(taken)).toEqual(taken.map(() => 256 * KIB));
    expect(await quit).toBe('OK');
    expect((await lost).at(-1)).toMatchObject({ reason: { code: 'ERR_SIDELOOP_REDIS_CLOSED' } });
  });
});

describe('a loop that is stopped while a client rests', () => {
  test.each([
    ['reads', (redis: Redis) => redis.get('small'), 'y'],
    ['writes', (redis: Redis) => redis.incr('after'), 1],
    [
      'a transaction',
      (redis: Redis) => redis.multi().incr('tx').incr('tx').exec(),
      [
        [null, 1],
        [null, 2],
      ],
    ],
    [
      'a reply larger than the bound',
      async (redis: Redis) => (await redis.lrange('list', 0, -1)).length,
      50_000,
    ],
    [
      'a command larger than what the kernel takes',
      (redis: Redis) => redis.append('appended', 'x'.repeat(16 * MIB)),
      16 * MIB,
    ],
  ])(
    'finishes %s that stand behind the replies',
    async (_, ask: (redis: Redis) => Promise<unknown>, expected) => {
      await clock.del('after', 'tx', 'appended');
      const redis = client({ maxPendingReplyBytes: MIB });
      await redis.connect();
      const replies = larges(redis, 64);
      const last = ask(redis);
      await new Promise(setImmediate);
      receivedWhileBusy(200, redis);
      await loop.stop({ deadlineMs: 60_000 });
      expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
      expect(await last).toEqual(expected);
    },
  );

  test('is stopped for several of them, with the bound of all', async () => {
    const clients = Array.from({ length: 4 }, () => client({ maxThreadReplyBytes: 2 * MIB }));
    await Promise.all(clients.map((redis) => redis.connect()));
    const replies = clients.flatMap((redis) => larges(redis, 32));
    await new Promise(setImmediate);
    receivedWhileBusy(200, ...clients);
    await loop.stop({ deadlineMs: 60_000 });
    expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
  });

  test('is stopped for one that quits', async () => {
    const redis = client({ maxPendingReplyBytes: MIB });
    await redis.connect();
    const replies = larges(redis, 64);
    await new Promise(setImmediate);
    receivedWhileBusy(200, redis);
    const quit = redis.quit();
    await loop.stop({ deadlineMs: 60_000 });
    expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
    expect(await quit).toBe('OK');
  });
});

test('all clients of a thread have one bound together', async () => {
  const clients = Array.from({ length: 4 }, () => client({ maxThreadReplyBytes: 2 * MIB }));
  await Promise.all(clients.map((redis) => redis.connect()));
  const replies = clients.flatMap((redis) => larges(redis, 32));
  await new Promise(setImmediate);
  expect(receivedWhileBusy(200, ...clients)).toBeLessThan(10 * MIB);
  expect(await Promise.all(replies)).toEqual(replies.map(() => 256 * KIB));
});

describe('a client that shares its connection', () => {
  test('rejects what it has pending, and the others notice nothing', async () => {
    const redis = client({ maxPendingReplyBytes: MIB });
    await redis.connect();
    const other = Redis.attach(redis.handle);
    expect(await other.get('small')).toBe('y');
    const replies = larges(redis, 64);
    const smalls = Array.from({ length: 64 }, () => other.get('small'));
    const behind = larges(redis, 8);
    const failed = Promise.allSettled([...replies, ...behind]);
    await new Promise(setImmediate);
    blockThreadUntil(() => redis.stats().failed > 0 && redis.stats().inFlight === 0);
    expect(await Promise.all(smalls)).toEqual(smalls.map(() => 'y'));
    const outcomes = await failed;
    const rejected = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(rejected.length).toBeGreaterThan(0);
    expect(rejected.length).toBe(redis.stats().failed);
    for (const { reason } of rejected) {
      expect(reason).toMatchObject({ code: REPLIES_FULL, command: 'GET', mayHaveRun: true });
      expect(reason.message).toContain('maxPendingReplyBytes');
    }
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(outcome.value).toBe(256 * KIB);
    }
    // It is well again once this thread has taken what was there.
    expect(await Promise.all(larges(redis, 1))).toEqual([256 * KIB]);
    expect(redis.stats()).toMatchObject({ connects: 1, pending: 0 });
  });

  test('holds up nobody by a command of these that waits at the server', async () => {
    const redis = client({ maxPendingReplyBytes: MIB, reconnectMinDelay: 5 });
    await redis.connect();
    const replies = larges(redis, 64);
    const popped = redis.blpop('jobs', 0);
    const outcomes = Promise.allSettled([...replies, popped]);
    const other = Redis.attach(redis.handle);
    await new Promise(setImmediate);
    blockThreadUntil(() => redis.stats().failed > 0);
    expect((await outcomes).at(-1)).toMatchObject({
      status: 'rejected',
      reason: { code: REPLIES_FULL, command: 'BLPOP', mayHaveRun: true },
    });
    expect(await other.rpush('jobs', 'job-1')).toBe(1);
    expect(await other.lpop('jobs')).toBe('job-1');
    expect(await redis.get('small')).toBe('y');
    expect(redis.stats()).toMatchObject({ connects: 2, pending: 0 });
  });

  test('gets a reply that is larger than the bound', async () => {
    const redis = client({ maxPendingReplyBytes: 1000 });
    const other = Redis.attach(redis.handle, { maxPendingReplyBytes: 1000 });
    expect(await other.lrange('list', 0, -1)).toHaveLength(50_000);
    expect(await redis.get('large')).toHaveLength(256 * KIB);
  });
});

test.each([
  { maxPendingReplyBytes: 0 },
  { maxPendingReplyBytes: -1 },
  { maxPendingReplyBytes: 1.5 },
  { maxThreadReplyBytes: Number.NaN },
  { maxThreadReplyBytes: '1 MiB' as unknown as number },
])('refuses %j', (options) => {
  expect(() => client(options)).toThrow(expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' }));
});
