// Leases and the end of their loop, or of the thread that holds them. A failure here is a lease that nobody else can have
// until it expires, one that a dead thread keeps for ever, or a promise that never settles.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { acquire, type Lease } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { startWorker } from '../workers/start-worker.js';
import { ended, until } from './lease-server.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  await server.cli('FLUSHALL');
});

const FOR_LONG = { ttlMs: 600_000 };

describe('a loop that is stopped', () => {
  test('gives back what is held, and settles those who wait', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const leases = await Promise.all(['a', 'b'].map((key) => acquire(redis, key, FOR_LONG)));
    const waiting = acquire(redis, 'a', { ...FOR_LONG, wait: true });
    waiting.catch(() => {});
    await until(server, ['ZCARD', '{a}:queue'], (answer) => answer === '1');
    await loop.stop();
    // The stop has waited for the server's word.
    expect(await server.cli('EXISTS', 'a', 'b', '{a}:queue')).toBe('0');
    for (const lease of leases) {
      await ended(lease);
      expect(lease.signal.reason).toMatchObject({ reason: 'loop-stopped' });
      expect(await lease.release()).toBe(false);
    }
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
  });

  test('carries out the releases that were asked for before', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const leases = await Promise.all(
      Array.from({ length: 50 }, (_, i) => acquire(redis, `job ${i}`, FOR_LONG)),
    );
    const released = leases.map((lease) => lease.release());
    await loop.stop();
    expect(await Promise.all(released)).toEqual(leases.map(() => true));
    expect(await server.cli('KEYS', 'job*')).toBe('');
  });

  test('is not held up by a lease where another client waits at the server', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    await acquire(redis, 'job', FOR_LONG);
    const other = new Redis(server.url, { loop });
    const popped = other.blpop('nothing', 0).catch((error) => error.code);
    await until(server, ['INFO', 'clients'], (info) => info.includes('blocked_clients:1'));
    const stopped = loop.stop({ deadlineMs: 3000 });
    await until(server, ['EXISTS', 'job'], (answer) => answer === '0');
    await stopped;
    expect(await popped).toBe('ERR_SIDELOOP_STOPPED');
  });

  test('refuses new ones, and those on their way', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    await redis.ping();
    const asked = Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => acquire(redis, `job ${i}`, FOR_LONG)),
    );
    const stopped = loop.stop();
    await expect(acquire(redis, 'job', FOR_LONG)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_STOPPED',
    });
    for (const outcome of await asked) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
      } else {
        await ended(outcome.value);
        expect(outcome.value.signal.reason).toMatchObject({ reason: 'loop-stopped' });
      }
    }
    await stopped;
    expect(await server.cli('KEYS', 'job*')).toBe('');
  });

  test('ends them at its deadline where the server says nothing', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const lease = await acquire(redis, 'job', FOR_LONG);
    process.kill(server.pid, 'SIGSTOP');
    try {
      await loop.stop({ deadlineMs: 200 });
      await ended(lease);
      expect(lease.signal.reason).toMatchObject({ reason: 'loop-stopped' });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  });
});

describe('a loop that is destroyed', () => {
  test('ends them at once, and does not give them back', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const lease = await acquire(redis, 'job', { ttlMs: 5000, renewEveryMs: 50 });
    const waiting = acquire(redis, 'job', { ...FOR_LONG, wait: true });
    waiting.catch(() => {});
    await until(server, ['ZCARD', '{job}:queue'], (answer) => answer === '1');
    loop.destroy();
    await ended(lease);
    expect(lease.validForMs()).toBe(0);
    expect(lease.signal.reason).toMatchObject({ reason: 'loop-stopped' });
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
    expect(await server.cli('EXISTS', 'job')).toBe('1');
    // Nobody renews it.
    await until(server, ['EXISTS', 'job'], (answer) => answer === '0');
  });

  test('in the midst of everything', async () => {
    for (let i = 0; i < 20; i++) {
      const loop = new EventLoop();
      const redis = new Redis(server.url, { loop });
      const leases: Lease[] = [];
      const all = Array.from({ length: 20 }, (_, k) =>
        acquire(redis, `job ${k % 5}`, { ttlMs: 100, renewEveryMs: 5, wait: true }).then(
          (lease) => {
            leases.push(lease);
            return lease.release();
          },
        ),
      );
      // A window of another length each time: what goes on when the loop ends is for chance to say.
      await new Promise((resolve) => setTimeout(resolve, i));
      loop.destroy();
      const outcomes = await Promise.allSettled(all);
      // STOPPED: the loop thread met the claim when it was ending already, and asked nobody for it. LATE: the machine is busy.
      const atItsEnd = expect.stringMatching(/^ERR_SIDELOOP_(STOPPED|DESTROYED|LEASE_LATE)$/);
      // What was granted was released, or had ended; the others were never granted.
      const granted = outcomes.filter(({ status }) => status === 'fulfilled');
      expect(granted).toHaveLength(leases.length);
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') expect(outcome.value).toBeTypeOf('boolean');
        else expect(outcome.reason).toMatchObject({ code: atItsEnd });
      }
      for (const { signal } of leases) {
        expect(signal.reason).toMatchObject({
          code: 'ERR_SIDELOOP_LEASE_ENDED',
          reason: expect.stringMatching(/^(released|lost|expired|loop-stopped)$/),
        });
      }
      await server.cli('FLUSHALL');
    }
  });
});

test('two loops do not disturb each other', async () => {
  const loops = [new EventLoop(), new EventLoop()] as const;
  const [mine, other] = loops.map((loop) => new Redis(server.url, { loop })) as [Redis, Redis];
  const lease = await acquire(mine, 'mine', FOR_LONG);
  const next = acquire(other, 'mine', { ...FOR_LONG, wait: true });
  const others = await acquire(other, 'other', FOR_LONG);
  await until(server, ['ZCARD', '{mine}:queue'], (answer) => answer === '1');
  await loops[0].stop();
  await ended(lease);
  // The stop has passed it on.
  expect((await next).token).toBe(2);
  expect(others.signal.aborted).toBe(false);
  await loops[1].stop();
});

describe('a Worker', () => {
  const start = (name: string, data: object) =>
    startWorker(name, { url: server.url, ...data }, '../lease/lease-worker.mjs');

  test('that is terminated gives back the leases it had on a loop of another thread', async () => {
    const loop = new EventLoop();
    const worker = start('holds', { handle: loop.handle });
    expect(await worker.said()).toBe('holds');
    const redis = new Redis(server.url, { loop });
    const next = acquire(redis, 'job', { ...FOR_LONG, wait: true });
    await until(server, ['ZCARD', '{job}:queue'], (answer) => answer === '1');
    await worker.worker.terminate();
    // Its lease would last for ten minutes.
    expect((await next).token).toBe(2);
    await loop.stop();
  });

  test('that is terminated with a loop of its own renews them no more', async () => {
    const worker = start('holds', { ttlMs: 1500 });
    expect(await worker.said()).toBe('holds');
    await worker.worker.terminate();
    await until(server, ['EXISTS', 'job'], (answer) => answer === '0');
  });

  test('that is terminated while it waits leaves the queue', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const lease = await acquire(redis, 'job', FOR_LONG);
    const worker = start('waits', { handle: loop.handle });
    await until(server, ['ZCARD', '{job}:queue'], (answer) => answer === '1');
    await worker.worker.terminate();
    await until(server, ['EXISTS', '{job}:queue'], (answer) => answer === '0');
    expect(await lease.release()).toBe(true);
    await loop.stop();
  });

  test('that is busy for too long loses its own, and no others', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const mine = await acquire(redis, 'mine', { ttlMs: 30_000, maxBlockMs: 15_000 });
    const worker = start('isBusy', { handle: loop.handle });
    expect(await worker.said()).toBe('js-blocked');
    expect(mine.signal.aborted).toBe(false);
    await worker.ended;
    await loop.stop();
  });
});
