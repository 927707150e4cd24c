// Waiting for a lease. A failure here is a waiter that is overtaken, never woken, or that asks the server all the time; or a
// queue that is stuck behind one that is gone.

import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { type AcquireOptions, acquire } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { blockThread } from '../block-thread.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { killClients, until, waitingAt } from './lease-server.js';

let server: RedisServer;
let loop: EventLoop;
let one: Redis;
let two: Redis;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  loop = new EventLoop();
  one = new Redis(server.url, { loop, connectionName: 'one' });
  two = new Redis(server.url, { loop, connectionName: 'two' });
  await one.flushall();
});
afterEach(() => loop.destroy());

const waiting = (redis: Redis, place: number, options?: Partial<AcquireOptions>) =>
  waitingAt(server, redis, place, options);

describe('those who wait', () => {
  test('have it in the order of their coming, whichever their client', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const order: number[] = [];
    const tokens: number[] = [];
    const all: Promise<void>[] = [];
    for (let i = 0; i < 20; i++) {
      const { lease } = await waiting(i % 3 === 0 ? one : two, i);
      all.push(
        lease.then(async (mine) => {
          order.push(i);
          tokens.push(mine.token);
          expect(await one.get('job')).toContain(`:${mine.token}`);
          expect(await mine.release()).toBe(true);
        }),
      );
    }
    await holder.release();
    await Promise.all(all);
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(await one.keys('*')).toEqual(['{job}:fence']);
  });

  test('are not overtaken by who comes later and does not wait', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const { lease } = await waiting(one, 0);
    const released = holder.release();
    const late = acquire(two, 'job', { ttlMs: 20_000 });
    await expect(late).rejects.toMatchObject({ code: 'ERR_SIDELOOP_LEASE_HELD' });
    await released;
    await (await lease).release();
  });

  test('are granted it while this thread is blocked, and it is renewed from then on', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000, maxLeaseMs: 300 });
    const { lease } = await waiting(two, 0, { ttlMs: 300 });
    blockThread(800);
    const mine = await lease;
    expect(holder.validForMs()).toBeLessThanOrEqual(0);
    expect(mine.validForMs()).toBeGreaterThan(0);
    expect(await mine.release()).toBe(true);
  });

  test('may be so many', async () => {
    await acquire(one, 'job', { ttlMs: 20_000 });
    const options = { ttlMs: 20_000, wait: { maxWaiters: 2 } };
    await waiting(one, 0, options);
    await waiting(two, 1, options);
    for (const client of [one, two]) {
      await expect(acquire(client, 'job', options)).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_LEASE_QUEUE_FULL',
      });
    }
  });

  test('make room for others where their client is gone', async () => {
    await acquire(one, 'job', { ttlMs: 20_000 });
    await one.zadd('{job}:queue', 1, 'gone|1', 2, 'gone|2');
    await waiting(two, 0, { wait: { maxWaiters: 1 } });
    expect(await one.zcard('{job}:queue')).toBe(1);
  });

  test('hold nobody up, however many they are', async () => {
    await acquire(one, 'job', { ttlMs: 20_000 });
    const deaf = connect(server.port, '127.0.0.1');
    deaf.write('SUBSCRIBE deaf\r\n');
    await until(server, ['PUBSUB', 'NUMSUB', 'deaf'], (answer) => answer.endsWith('1'));
    const fill = "for i = 1, 100000 do redis.call('ZADD', KEYS[1], i, 'deaf|' .. i) end";
    await one.eval(fill, 1, '{job}:queue');
    await server.cli('CONFIG', 'RESETSTAT');
    for (let times = 0; times < 3; times++) {
      await expect(
        acquire(two, 'job', { ttlMs: 20_000, wait: { maxWaiters: 1000 } }),
      ).rejects.toMatchObject({ code: 'ERR_SIDELOOP_LEASE_QUEUE_FULL' });
    }
    const stats = await server.cli('INFO', 'commandstats');
    // Each look at all of them takes tens of milliseconds, and the server does nothing else then.
    expect(Number(/cmdstat_eval:.*usec=(\d+)/.exec(stats)?.[1])).toBeLessThan(30_000);
    deaf.destroy();
  });

  test('have it although the clock of the server has gone back', async () => {
    const deaf = connect(server.port, '127.0.0.1');
    deaf.write('SUBSCRIBE deaf\r\n');
    await until(server, ['PUBSUB', 'NUMSUB', 'deaf'], (answer) => answer.endsWith('1'));
    await one.zadd('{job}:queue', 1, 'deaf|1');
    await one.set('{job}:turn', `${Date.now() + 3_600_000}|deaf|1`);
    const lease = await acquire(two, 'job', { ttlMs: 20_000, wait: { forMs: 10_000 } });
    expect(await lease.release()).toBe(true);
    deaf.destroy();
  });
});

describe('a waiter that goes', () => {
  test('by its time', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const since = performance.now();
    await expect(
      acquire(two, 'job', { ttlMs: 20_000, wait: { forMs: 200 } }),
    ).rejects.toMatchObject({ code: 'ERR_SIDELOOP_LEASE_TIMEOUT' });
    const took = performance.now() - since;
    expect(took).toBeGreaterThanOrEqual(199);
    await until(server, ['EXISTS', '{job}:queue'], (answer) => answer === '0');
    await holder.release();
  });

  test('by its signal', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const controller = new AbortController();
    const { lease } = await waiting(two, 0, { signal: controller.signal });
    const behind = await waiting(two, 1);
    controller.abort(new Error('no more'));
    await expect(lease).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await until(server, ['ZCARD', '{job}:queue'], (answer) => answer === '1');
    await holder.release();
    await (await behind.lease).release();
  });

  test('by its signal, before the answer is there: what was granted is given back', async () => {
    for (let i = 0; i < 20; i++) {
      const controller = new AbortController();
      const asked = acquire(one, 'job', { ttlMs: 60_000, signal: controller.signal });
      if (i % 2 === 0) await Promise.resolve();
      else await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      const outcome = await asked.catch((error) => error);
      // The answer may have been there first.
      if (outcome.code !== 'ABORT_ERR') await outcome.release();
    }
    const next = await acquire(two, 'job', { ttlMs: 1000, wait: { forMs: 5000 } });
    await next.release();
  });

  test('its signal has no effect once it was granted', async () => {
    const controller = new AbortController();
    const lease = await acquire(one, 'job', { ttlMs: 5000, signal: controller.signal });
    controller.abort();
    expect(lease.signal.aborted).toBe(false);
    expect(await lease.release()).toBe(true);
  });

  test('with its client: it is passed over', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const third = new Redis(server.url, { loop, connectionName: 'third' });
    const first = await waiting(third, 0);
    const second = await waiting(two, 1);
    third.disconnect();
    await expect(first.lease).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
    await holder.release();
    await (await second.lease).release();
  });

  test('without a word: it is passed over at once', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    await one.zadd('{job}:queue', 1, 'gone|1');
    const { lease } = await waiting(two, 1);
    // One that is there would have two seconds for its turn.
    const turn = one.blpop('nothing', 2).then(() => 'a turn is over');
    await holder.release();
    expect(await Promise.race([lease.then(() => 'its own'), turn])).toBe('its own');
  });
});

describe('a waiter goes on waiting', () => {
  test('where the connection is killed that wakes it', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const { lease } = await waiting(two, 0);
    expect(await killClients(server, 'two:wakes')).toBe(1);
    // Nobody hears of this release.
    await holder.release();
    await (await lease).release();
  });

  test('where its other connection is killed', async () => {
    const holder = await acquire(one, 'job', { ttlMs: 20_000 });
    const { lease } = await waiting(two, 0);
    expect(await killClients(server, 'two:lease')).toBe(1);
    await holder.release();
    await (await lease).release();
  });
});
