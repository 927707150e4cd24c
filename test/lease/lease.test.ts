// A lease from its grant to its release. A failure here is a lease that two have, one that is not renewed while JS is busy,
// or a token that does not grow.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { type AcquireOptions, acquire } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { blockThread } from '../block-thread.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { commandCalls, ended } from './lease-server.js';

let server: RedisServer;
let loop: EventLoop;
let redis: Redis;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  loop = new EventLoop();
  redis = new Redis(server.url, { loop });
  await redis.flushall();
});
afterEach(() => loop.destroy());

describe('a lease', () => {
  test('is the key itself, with an expiry', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 5000 });
    expect(lease.key).toBe('job');
    expect(lease.signal.aborted).toBe(false);
    expect(await redis.get('job')).toMatch(/^[0-9a-f]{32}-\d+:1$/);
    const left = Number(await redis.pttl('job'));
    expect(left).toBeGreaterThan(4000);
    // What is certain here is less than what the server counts.
    expect(lease.validForMs()).toBeGreaterThan(3000);
    expect(lease.validForMs()).toBeLessThan(left);
    expect(await lease.release()).toBe(true);
    expect(await redis.exists('job')).toBe(0);
    expect(lease.validForMs()).toBe(0);
    // The bound is no exception.
    const bounded = await acquire(redis, 'job', { ttlMs: 60_000, maxLeaseMs: 5000 });
    expect(bounded.validForMs()).toBeLessThan(5000 - 50);
  });

  test('leaves no key but the fence', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 5000, wait: true });
    const next = acquire(redis, 'job', { ttlMs: 5000, wait: true });
    await lease.release();
    await (await next).release();
    expect(await redis.keys('*')).toEqual(['{job}:fence']);
  });

  test('keeps its counter where it is told to', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 5000, fenceKey: 'tokens' });
    expect(await redis.get('tokens')).toBe('1');
    await lease.release();
    const tagged = await acquire(redis, 'a {job}', { ttlMs: 5000 });
    expect(await redis.get('a {job}:fence')).toBe('1');
    await tagged.release();
  });

  test('is refused to others, who are told for how long', async () => {
    await using _lease = await acquire(redis, 'job', { ttlMs: 5000 });
    const other = new Redis(server.url, { loop });
    await expect(acquire(other, 'job', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_HELD',
      message: expect.stringMatching(/"job", for [45]\d{3} ms/),
    });
    // The same client has no right to it either.
    await expect(acquire(redis, 'job', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_HELD',
    });
  });

  test('has a token that grows, whoever holds it, also where it expired', async () => {
    const other = new Redis(server.url, { loop });
    const tokens: number[] = [];
    for (const client of [redis, other, redis]) {
      const lease = await acquire(client, 'job', { ttlMs: 5000 });
      tokens.push(lease.token);
      await lease.release();
    }
    const bounded = await acquire(redis, 'job', { ttlMs: 5000, maxLeaseMs: 20 });
    tokens.push(bounded.token);
    await ended(bounded);
    const last = await acquire(other, 'job', { ttlMs: 5000, wait: true });
    tokens.push(last.token);
    expect(tokens).toEqual([1, 2, 3, 4, 5]);
  });

  test('is renewed while JS is blocked, as others see it', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 2000, renewEveryMs: 100 });
    const probe = await startProbe();
    blockThread(3000);
    expect(lease.validForMs()).toBeGreaterThan(0);
    expect(lease.signal.aborted).toBe(false);
    const lefts = await probe.stop();
    expect(lefts.length).toBeGreaterThan(8);
    // It was there each time: a key that is gone answers -2.
    expect(Math.min(...lefts)).toBeGreaterThan(0);
    expect(lease.stats().renewals).toBeGreaterThanOrEqual(5);
    expect(await lease.release()).toBe(true);
  });

  test('knows of its window while JS is blocked', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 150, maxLeaseMs: 200 });
    blockThread(400);
    expect(lease.validForMs()).toBeLessThanOrEqual(0);
    // JS has not heard of it yet.
    expect(lease.signal.aborted).toBe(false);
    expect(await lease.release()).toBe(false);
    expect(lease.signal.reason).toMatchObject({ reason: 'max-lease' });
  });

  test('is released once', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 5000 });
    expect(await Promise.all([lease.release(), lease.release()])).toEqual([true, true]);
    expect(await lease.release()).toBe(false);
  });

  test('is not released by the holder before', async () => {
    const first = await acquire(redis, 'job', { ttlMs: 5000 });
    await redis.del('job');
    const second = await acquire(redis, 'job', { ttlMs: 5000 });
    expect(await first.release()).toBe(false);
    expect(first.signal.reason).toMatchObject({ reason: 'lost' });
    expect(await second.release()).toBe(true);
  });

  test('is released by await using', async () => {
    {
      await using lease = await acquire(redis, 'job', { ttlMs: 5000 });
      expect(await redis.exists('job')).toBe(1);
      expect(lease.signal.aborted).toBe(false);
    }
    expect(await redis.exists('job')).toBe(0);
  });

  test('counts its renewals', async () => {
    const lease = await acquire(redis, 'job', {
      ttlMs: 20_000,
      renewEveryMs: 20,
      renewTimeoutMs: 20_000,
    });
    await expect.poll(() => lease.stats().renewals).toBeGreaterThanOrEqual(5);
    await lease.release();
    const stats = lease.stats();
    expect(stats).toMatchObject({ late: 0, failed: 0 });
    expect(stats.renewals).toBeGreaterThanOrEqual(5);
    expect(stats.jitter.count).toBeGreaterThanOrEqual(5);
  });

  test('is extended beyond its bound', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 9000, renewEveryMs: 50, maxLeaseMs: 400 });
    lease.extend(60_000);
    blockThread(600);
    expect(lease.validForMs()).toBeGreaterThan(0);
    expect(await lease.release()).toBe(true);
    lease.extend(1);
  });

  test('200 of one client are renewed in few commands', async () => {
    const leases = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        acquire(redis, `job ${i}`, { ttlMs: 9000, renewEveryMs: 120 }),
      ),
    );
    const before = await commandCalls(server, 'eval');
    blockThread(900);
    const commands = (await commandCalls(server, 'eval')) - before;
    const renewals = leases.reduce((sum, lease) => sum + lease.stats().renewals, 0);
    expect(renewals).toBeGreaterThanOrEqual(200 * 5);
    expect(commands).toBeLessThan(50);
    expect(await Promise.all(leases.map((lease) => lease.release()))).not.toContain(false);
  });

  test('of a shared connection belongs to the client', async () => {
    const attached = Redis.attach(redis.handle);
    const lease = await acquire(attached, 'job', { ttlMs: 5000 });
    await attached.quit();
    await ended(lease);
    expect(lease.signal.reason).toMatchObject({ reason: 'released' });
    await using _next = await acquire(redis, 'job', { ttlMs: 5000, wait: true });
  });
});

describe('what is refused', () => {
  const wrong: [unknown, string][] = [
    [undefined, 'ttlMs'],
    [{}, 'ttlMs'],
    [{ ttlMs: 9 }, 'ttlMs'],
    [{ ttlMs: 2 ** 31 + 1 }, 'ttlMs'],
    [{ ttlMs: 10.5 }, 'ttlMs'],
    [{ ttlMs: 100, renewEveryMs: 100 }, 'renewEveryMs'],
    [{ ttlMs: 100, renewEveryMs: 0 }, 'renewEveryMs'],
    [{ ttlMs: 100, renewTimeoutMs: 0 }, 'renewTimeoutMs'],
    [{ ttlMs: 100, maxLeaseMs: 0 }, 'maxLeaseMs'],
    [{ ttlMs: 100, maxBlockMs: Number.POSITIVE_INFINITY }, 'maxBlockMs'],
    [{ ttlMs: 100, wait: 'yes' }, 'wait'],
    [{ ttlMs: 100, wait: { forMs: 0 } }, 'wait.forMs'],
    [{ ttlMs: 100, wait: { maxWaiters: 0 } }, 'wait.maxWaiters'],
    [{ ttlMs: 100, signal: {} }, 'signal'],
    [{ ttlMs: 100, fenceKey: '' }, 'fenceKey'],
  ];
  test.each(wrong)('%j', async (options, name) => {
    await expect(acquire(redis, 'job', options as AcquireOptions)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringContaining(name),
    });
  });

  test.each([
    [{ ttlMs: 9 }, 'ttlMs must be a whole number of ms from 10 to 2147483648.'],
    [{ ttlMs: 99, renewEveryMs: 0 }, 'renewEveryMs must be a whole number of ms from 1 to 98.'],
    [
      { ttlMs: 99, maxLeaseMs: 0 },
      'maxLeaseMs must be a whole number of ms from 1 to 9007199254740991, or Infinity.',
    ],
    [
      { ttlMs: 99, wait: { maxWaiters: 0 } },
      'wait.maxWaiters must be a whole number from 1 to 1000000.',
    ],
  ])('in the words of %j', async (options, message) => {
    await expect(acquire(redis, 'job', options)).rejects.toThrow(message);
  });

  test('a key that is no name, and a client that is none', async () => {
    await expect(acquire(redis, '', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
    await expect(acquire({} as Redis, 'job', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
  });

  test('a counter of tokens that is another key of the lease', async () => {
    for (const fenceKey of ['job', '{job}:queue', '{job}:turn']) {
      await expect(acquire(redis, 'job', { ttlMs: 100, fenceKey })).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_ARGUMENT',
      });
    }
  });

  test('a key that is something else', async () => {
    await redis.rpush('job', 'item');
    await expect(acquire(redis, 'job', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_WRONGTYPE',
    });
    expect(await redis.exists('{job}:fence')).toBe(0);
  });

  test('an aborted signal, a closed client, a stopped loop', async () => {
    await expect(
      acquire(redis, 'job', { ttlMs: 100, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ABORT_ERR' });
    const closed = new Redis(server.url, { loop });
    await closed.quit();
    await expect(acquire(closed, 'job', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_CLOSED',
    });
    const other = new EventLoop();
    const stopped = new Redis(server.url, { loop: other, lazyConnect: true });
    await other.stop();
    await expect(acquire(stopped, 'job', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_STOPPED',
    });
  });

  test('a server that is not there', async () => {
    const nowhere = new Redis({ port: 1, loop, maxRetriesPerRequest: 1 });
    await expect(acquire(nowhere, 'job', { ttlMs: 100 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_REFUSED',
    });
  });
});

/** Another process asks again and again for how long the key is held. */
async function startProbe(): Promise<{ stop(): Promise<number[]> }> {
  const { spawn } = await import('node:child_process');
  const loopOfCommands = `while :; do echo 'PTTL job'; sleep 0.05; done | redis-cli -p ${server.port}`;
  const probe = spawn('/bin/sh', ['-c', loopOfCommands], { detached: true });
  let output = '';
  const first = new Promise((resolve) => probe.stdout.once('data', resolve));
  probe.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await first;
  return {
    async stop() {
      const closed = new Promise((resolve) => probe.once('close', resolve));
      process.kill(-(probe.pid as number), 'SIGKILL');
      await closed;
      return output.trim().split('\n').map(Number);
    },
  };
}
