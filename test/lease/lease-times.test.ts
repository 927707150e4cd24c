// Leases over spans of real time: turns that run out, servers that pause, connections that are let go of. They wait side by
// side, each with a server of its own. A failure here is a waiter that nobody wakes, or a lease that ends too early or too late.

import { connect } from 'node:net';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { acquire } from '../../lib/lease/index.js';
import { commandCalls, ended, endOf, type Lab, startLabIn, until } from './lease-server.js';

const labs: Lab[] = [];
const startLab = () => startLabIn(labs);
afterAll(() => Promise.all(labs.map((lab) => lab.stop())));

describe.concurrent('leases in time', () => {
  describe('those who wait', () => {
    test('ask the server a handful of times, and are woken by the release', async () => {
      const { server, one, two, waiting } = await startLab();
      const holder = await acquire(one, 'job', { ttlMs: 600_000 });
      const { lease } = await waiting(two, 0);
      const before = await commandCalls(server, 'eval');
      // A second, by the server's clock.
      await one.blpop('nothing', 1);
      expect((await commandCalls(server, 'eval')) - before).toBe(0);
      await holder.release();
      // Without a word of the release it would wait for ten minutes.
      await lease;
      // The release, and the one that it woke.
      expect((await commandCalls(server, 'eval')) - before).toBe(2);
    });

    test('have it when it expires, as nobody says so then', async () => {
      const { one, two, waiting } = await startLab();
      const holder = await acquire(one, 'job', { ttlMs: 20_000, maxLeaseMs: 1500 });
      const { lease } = await waiting(two, 0);
      await ended(holder);
      await lease;
    });

    test('have it when another tool lets go of the key', async () => {
      const { one, two, waiting } = await startLab();
      await one.set('job', 'by hand', 'PX', 1500);
      const { lease } = await waiting(two, 0);
      expect((await lease).token).toBe(1);
    });

    test('have it soon where the holder and many others are gone without a word', async () => {
      const { one, two, waiting } = await startLab();
      await one.set('job', 'gone too', 'PX', 1500);
      for (let i = 0; i < 20; i++) await one.zadd('{job}:queue', i, `gone|${i}`);
      const { lease } = await waiting(two, 20);
      // Each of those would have two seconds for its turn.
      await lease;
    });

    test('have it after one that does not take its turn, which loses its place', async () => {
      const { server, one, two, waiting } = await startLab();
      const holder = await acquire(one, 'job', { ttlMs: 20_000 });
      // Subscribed, and deaf.
      const deaf = connect(server.port, '127.0.0.1');
      deaf.write('SUBSCRIBE deaf\r\n');
      await until(server, ['PUBSUB', 'NUMSUB', 'deaf'], (answer) => answer.endsWith('1'));
      await one.zadd('{job}:queue', 1, 'deaf|1');
      const { lease } = await waiting(two, 1);
      const since = performance.now();
      await holder.release();
      const mine = await lease;
      const took = performance.now() - since;
      // Its turn took two seconds, and the next knew of it.
      expect(took).toBeGreaterThan(1900);
      await mine.release();
      deaf.destroy();
    });

    test('go on where the server says nothing for longer than their connection bears', async () => {
      const { server, one, two, waiting } = await startLab();
      await one.set('job', 'by hand', 'PX', 1000);
      const { lease } = await waiting(two, 0, { ttlMs: 500 });
      // It asks when the key has expired, and gives that connection up a second later.
      await server.cli('CLIENT', 'PAUSE', '2600', 'ALL');
      const mine = await lease;
      expect(mine.token).toBe(1);
      expect(await mine.release()).toBe(true);
    });

    test('go on where the server loses the queue', async () => {
      const { one, two, waiting } = await startLab();
      const holder = await acquire(one, 'job', { ttlMs: 20_000, maxLeaseMs: 1500 });
      const { lease } = await waiting(two, 0);
      await one.del('{job}:queue');
      await ended(holder);
      await (await lease).release();
    });

    test('have no connection for it any more a while after, nor has who holds nothing', async () => {
      const { server, one, two, waiting } = await startLab();
      const holder = await acquire(two, 'job', { ttlMs: 60_000 });
      const { lease } = await waiting(one, 0);
      await holder.release();
      const mine = await lease;
      // Of all clients, the one that holds a lease has its connection for that.
      const isOver = (list: string) => !/name=(one:wakes|two:lease) /.test(list);
      await until(server, ['CLIENT', 'LIST'], isOver, 50);
      expect(await server.cli('CLIENT', 'LIST')).toContain('name=one:lease');
      await mine.release();
    });
  });

  describe('a lease ends', () => {
    test('expired, where the server does not answer for longer than its window', async () => {
      const { server, one } = await startLab();
      const lease = await acquire(one, 'job', { ttlMs: 300 });
      const since = performance.now();
      // For longer than this test may take.
      await server.cli('CLIENT', 'PAUSE', '60000', 'ALL');
      const [reason, ms] = await endOf(lease, since);
      expect(reason).toBe('expired');
      expect(ms).toBeGreaterThan(150);
      expect(lease.stats().late).toBeGreaterThan(0);
    });

    test('not when this thread is idle, however long', async () => {
      const { one } = await startLab();
      const lease = await acquire(one, 'job', { ttlMs: 9000, maxBlockMs: 2000, renewEveryMs: 100 });
      // Nothing wakes it, for twice as long as it may be blocked, until the server answers.
      await one.blpop('nothing', 4);
      expect(lease.signal.aborted).toBe(false);
      expect(lease.stats().renewals).toBeGreaterThan(3);
      expect(await lease.release()).toBe(true);
    });
  });

  describe('a lease does not end', () => {
    test('where the server does not answer for less than its window', async () => {
      const { server, one } = await startLab();
      const lease = await acquire(one, 'job', { ttlMs: 9000, renewEveryMs: 100 });
      await server.cli('CLIENT', 'PAUSE', '500', 'ALL');
      const before = lease.stats().renewals;
      const more = () => expect(lease.stats().renewals).toBeGreaterThanOrEqual(before + 3);
      await vi.waitFor(more, 15_000);
      expect(lease.signal.aborted).toBe(false);
      expect(await lease.release()).toBe(true);
    });

    test('where the server does not answer for almost as long as its window', async () => {
      const { server, one } = await startLab();
      const lease = await acquire(one, 'job', { ttlMs: 9000 });
      await server.cli('CLIENT', 'PAUSE', '7000', 'ALL');
      expect(await one.exists('job')).toBe(1);
      expect(lease.signal.aborted).toBe(false);
      expect(await lease.release()).toBe(true);
    });

    test('where its client waits at the server', async () => {
      const { one } = await startLab();
      const lease = await acquire(one, 'job', { ttlMs: 9000, renewEveryMs: 50 });
      const popped = one.blpop('nothing', 1);
      const before = lease.stats().renewals;
      expect(await popped).toBe(null);
      expect(lease.stats().renewals - before).toBeGreaterThan(5);
      expect(await lease.release()).toBe(true);
    });
  });
});
