// How a lease ends, and what its holder hears. A failure here is a holder who goes on with what it does not hold any more,
// or one who stops without need.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { acquire } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { blockThread } from '../block-thread.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { endOf, killClients, until } from './lease-server.js';

let server: RedisServer;
let loop: EventLoop;
let redis: Redis;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  loop = new EventLoop();
  redis = new Redis(server.url, { loop, connectionName: 'user' });
  await redis.flushall();
});
afterEach(() => loop.destroy());

describe('a lease ends', () => {
  test('lost, where its key was deleted', async () => {
    // The next renewal says so: long before it would have expired.
    const lease = await acquire(redis, 'job', { ttlMs: 60_000, renewEveryMs: 50 });
    await redis.del('job');
    expect((await endOf(lease, 0))[0]).toBe('lost');
    expect(await lease.release()).toBe(false);
  });

  test('lost, where its key was overwritten', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 60_000, renewEveryMs: 50 });
    const list = await acquire(redis, 'list', { ttlMs: 60_000, renewEveryMs: 50 });
    await redis.pipeline().set('job', 'mine').del('list').rpush('list', 'mine').exec();
    expect((await endOf(lease, 0))[0]).toBe('lost');
    expect((await endOf(list, 0))[0]).toBe('lost');
    // What is somebody else's is left alone.
    expect(await redis.get('job')).toBe('mine');
    expect(await redis.pttl('job')).toBe(-1);
  });

  test('at its bound, at the server as well', async () => {
    const since = performance.now();
    const lease = await acquire(redis, 'job', { ttlMs: 60_000, maxLeaseMs: 300 });
    const renewed = await acquire(redis, 'renewed', {
      ttlMs: 1500,
      renewEveryMs: 20,
      maxLeaseMs: 2500,
    });
    for (const one of [lease, renewed]) {
      const [reason, ms] = await endOf(one, since);
      expect(reason).toBe('max-lease');
      expect(ms).toBeGreaterThan(290);
      // A moment later for the time that the command took to get there, and not a minute.
      await until(server, ['EXISTS', one.key], (answer) => answer === '0');
    }
    expect(renewed.stats().renewals).toBeGreaterThan(2);
  });

  test('when this thread is blocked for longer than it may be', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 4000, maxBlockMs: 1000 });
    const free = await acquire(redis, 'free', { ttlMs: 4000 });
    const since = performance.now();
    blockThread(3000);
    expect(free.validForMs()).toBeGreaterThan(0);
    const [reason, ms] = await endOf(lease, since);
    expect(reason).toBe('js-blocked');
    expect(ms).toBeGreaterThan(500);
    // It was ended while this thread was blocked, and not when it came back.
    expect(ms).toBeLessThan(2900);
    await until(server, ['EXISTS', 'job'], (answer) => answer === '0');
    expect(await free.release()).toBe(true);
  });

  test('released', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 5000 });
    const since = performance.now();
    await lease.release();
    const [reason, ms] = await endOf(lease, since);
    expect(reason).toBe('released');
    expect(ms).toBeGreaterThanOrEqual(0);
    expect(ms).toBeLessThanOrEqual(performance.now() - since);
  });

  test('released with its client, at the server too', async () => {
    for (const close of [(r: Redis) => r.quit(), (r: Redis) => r.disconnect()]) {
      const client = new Redis(server.url, { loop });
      const leases = [
        await acquire(client, 'a', { ttlMs: 60_000 }),
        await acquire(client, 'b', { ttlMs: 60_000 }),
      ];
      await close(client);
      for (const lease of leases) expect((await endOf(lease, 0))[0]).toBe('released');
      await until(server, ['EXISTS', 'a', 'b'], (answer) => answer === '0');
    }
  });

  test('in the async context of its acquire', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const storage = new AsyncLocalStorage<string>();
    const lease = await storage.run('mine', () => acquire(redis, 'job', { ttlMs: 5000 }));
    let seen: string | undefined;
    lease.signal.addEventListener('abort', () => {
      seen = storage.getStore();
    });
    await lease.release();
    expect(seen).toBe('mine');
  });
});

describe('a lease does not end', () => {
  test('where its connection is killed', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 1500 });
    const { token } = lease;
    for (let times = 1; times <= 3; times++) {
      expect(await killClients(server, 'user:lease')).toBe(1);
      const before = lease.stats().renewals;
      await expect.poll(() => lease.stats().renewals).toBeGreaterThan(before);
    }
    expect(lease.signal.aborted).toBe(false);
    expect(await redis.get('job')).toContain(`:${token}`);
    expect(await lease.release()).toBe(true);
  });

  test('where the connection of its client is killed', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 1500 });
    // Listened to first: a command sent meanwhile may meet the connection that is gone.
    const ready = new Promise((resolve) => redis.once('ready', resolve));
    expect(await killClients(server, 'user')).toBe(1);
    await ready;
    await redis.ping();
    expect(lease.signal.aborted).toBe(false);
    expect(await lease.release()).toBe(true);
  });

  test('where its client has a large pipeline under way', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 300 });
    const value = 'x'.repeat(1000);
    const replies = Array.from({ length: 50_000 }, (_, i) => redis.set(`key ${i % 100}`, value));
    await Promise.all(replies);
    expect(lease.signal.aborted).toBe(false);
    expect(await lease.release()).toBe(true);
  });

  test('where it is released while its connection is down', async () => {
    const lease = await acquire(redis, 'job', { ttlMs: 3000 });
    await killClients(server, 'user:lease');
    expect(await lease.release()).toBe(true);
    expect(await redis.exists('job')).toBe(0);
  });
});
