// Leases and a server that fails in ways that a real one does not on demand. A failure here is a lease that is given up
// without need, one that is kept without a right to it, or an acquire that never settles.

import { afterAll, describe, expect, test, vi } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { acquire, type Lease } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { FakeServer } from '../redis/fake-server.js';
import { ended } from './lease-server.js';

const GRANTED = '*2\r\n:1\r\n:7\r\n';
const RENEWED = '*1\r\n:1\r\n';
const REFUSED = '*1\r\n:0\r\n';
const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

// The tests run side by side.
const loops: EventLoop[] = [];
afterAll(() => {
  for (const loop of loops) loop.destroy();
});

function clientOf(server: FakeServer): Redis {
  const loop = new EventLoop();
  loops.push(loop);
  return new Redis({ port: server.port, loop, reconnectMinDelay: 1, reconnectMaxDelay: 5 });
}

/** Resolves once one of its figures has grown. */
async function more(lease: Lease, figure: 'renewals' | 'failed' | 'late'): Promise<void> {
  const before = lease.stats()[figure];
  // Not expect.poll(), which has to know whose test it is: those that run beside each other share an expect().
  const bound = { interval: 5, timeout: 15_000 };
  await vi.waitFor(() => expect(lease.stats()[figure]).toBeGreaterThan(before), bound);
}

/** The unique names under which the server was asked. */
const namesOf = (server: FakeServer) =>
  server.commands.filter((args) => args[0] === 'EVAL').map((args) => args[7]);

describe.concurrent('a renewal', () => {
  test('that is answered by an error is no loss, and the next counts', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 1500, renewEveryMs: 50 });
    await server.answer({ EVAL: LOADING });
    await more(lease, 'failed');
    await more(lease, 'failed');
    await server.answer({ EVAL: RENEWED });
    await more(lease, 'renewals');
    expect(lease.signal.aborted).toBe(false);
    expect(lease.validForMs()).toBeGreaterThan(1000);
  });

  test('that fails until the window has closed is one', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 300, renewEveryMs: 50 });
    await server.answer({ EVAL: LOADING });
    await ended(lease);
    expect(lease.signal.reason).toMatchObject({ reason: 'expired' });
    expect(lease.stats().failed).toBeGreaterThan(2);
  });

  test('that is refused is one at once', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 60_000, renewEveryMs: 20 });
    await server.answer({ EVAL: REFUSED });
    await ended(lease);
    expect(lease.signal.reason).toMatchObject({ reason: 'lost' });
  });

  test('has a deadline of its own; one that comes later counts all the same', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', {
      ttlMs: 2000,
      renewEveryMs: 100,
      renewTimeoutMs: 50,
    });
    await server.answer({ EVAL: { reply: RENEWED, afterMs: 300 } });
    await more(lease, 'late');
    await more(lease, 'late');
    await more(lease, 'renewals');
    expect(lease.signal.aborted).toBe(false);
  });

  test('goes out on a new connection where the server says nothing on the old one', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const redis = clientOf(server);
    // It could wait for longer.
    await acquire(redis, 'other', { ttlMs: 600_000 });
    const lease = await acquire(redis, 'job', { ttlMs: 2000, renewEveryMs: 100 });
    await server.answer({ EVAL: {} });
    // The client's, the lease's, and the one after that.
    await server.connected(3);
    await server.answer({ EVAL: RENEWED });
    await more(lease, 'renewals');
    expect(lease.signal.aborted).toBe(false);
  });
});

describe.concurrent('an acquire', () => {
  test('that waits hears of the turn before it also while it asks', async () => {
    await using server = await FakeServer.start({ EVAL: '*2\r\n:0\r\n:1000\r\n' });
    const asked = acquire(clientOf(server), 'job', { ttlMs: 60_000, wait: true });
    const wakes = await server.received('SUBSCRIBE');
    await server.answer({ EVAL: { reply: '*3\r\n:2\r\n:1\r\n:30000\r\n', afterMs: 100 } });
    await server.write(wakes, '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n');
    await server.received('EVAL', 2);
    // The answer under way was given before this was said.
    await server.write(wakes, '*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$4\r\n1:10\r\n');
    await server.answer({ EVAL: GRANTED });
    expect((await asked).token).toBe(7);
  });

  test('that gets answers to what it did not ask rejects, and does not ask for ever', async () => {
    const waiting = '*3\r\n:2\r\n:1\r\n:30000\r\n';
    const held = '*2\r\n:0\r\n:1000\r\n';
    const subscribed = '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n';
    await using server = await FakeServer.start({ EVAL: waiting, SUBSCRIBE: subscribed });
    const redis = clientOf(server);
    const wrong = { code: 'ERR_SIDELOOP_REDIS_PROTOCOL' };
    await expect(acquire(redis, 'job', { ttlMs: 5000 })).rejects.toMatchObject(wrong);
    await server.answer({ EVAL: held });
    const waits = acquire(redis, 'job', { ttlMs: 5000, wait: { forMs: 5000 } });
    await expect(waits).rejects.toMatchObject(wrong);
  });

  test('whose answer is lost is asked again under the same name', async () => {
    await using server = await FakeServer.start({ EVAL: { drop: true } });
    const asked = acquire(clientOf(server), 'job', { ttlMs: 5000 });
    await server.received('EVAL');
    await server.answer({ EVAL: GRANTED });
    expect((await asked).token).toBe(7);
    await server.received('EVAL', 2);
    expect(new Set(namesOf(server)).size).toBe(1);
  });

  test('whose answer is lost each time rejects', async () => {
    await using server = await FakeServer.start({ EVAL: { drop: true } });
    await expect(acquire(clientOf(server), 'job', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_DISCONNECTED',
    });
  });

  test('that is granted when its window has closed is asked again', async () => {
    await using server = await FakeServer.start({ EVAL: { reply: GRANTED, afterMs: 150 } });
    const asked = acquire(clientOf(server), 'job', { ttlMs: 100 });
    await server.received('EVAL', 2);
    await server.answer({ EVAL: GRANTED });
    const lease = await asked;
    expect(new Set(namesOf(server)).size).toBe(1);
    expect(lease.validForMs()).toBeLessThanOrEqual(100);
  });

  test('that is always granted too late rejects, and gives it back', async () => {
    await using server = await FakeServer.start({ EVAL: { reply: GRANTED, afterMs: 30 } });
    await expect(acquire(clientOf(server), 'job', { ttlMs: 20 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_LATE',
    });
    // The questions, and the goodbye.
    await server.received('EVAL', 7);
    expect(server.commands.at(-1)?.[2]).toBe('3');
    await expect(
      acquire(clientOf(server), 'job', { ttlMs: 5000, maxLeaseMs: 20 }),
    ).rejects.toMatchObject({ message: expect.stringContaining('longer than the 20 ms') });
  });

  test('that waits goes on where the server is loading', async () => {
    await using server = await FakeServer.start({ EVAL: LOADING });
    const redis = clientOf(server);
    await expect(acquire(redis, 'job', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_LOADING',
    });
    const asked = acquire(redis, 'job', { ttlMs: 5000, wait: true });
    await server.received('EVAL', 2);
    await server.answer({ EVAL: GRANTED });
    expect((await asked).token).toBe(7);
  });

  test('that waits rejects where it may not subscribe', async () => {
    await using server = await FakeServer.start({
      EVAL: '*2\r\n:0\r\n:1000\r\n',
      SUBSCRIBE: '-NOPERM no channels for you\r\n',
    });
    const redis = clientOf(server);
    for (let times = 0; times < 2; times++) {
      await expect(acquire(redis, 'job', { ttlMs: 5000, wait: true })).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_REDIS_NOPERM',
      });
    }
  });

  test('that gets an answer that makes no sense rejects', async () => {
    await using server = await FakeServer.start({ EVAL: '+OK\r\n' });
    await expect(acquire(clientOf(server), 'job', { ttlMs: 5000 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_PROTOCOL',
    });
  });
});

describe.concurrent('a release', () => {
  test('that the server refuses rejects, and the lease is over here', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 60_000 });
    await server.answer({ EVAL: "-READONLY You can't write against a read only replica.\r\n" });
    await expect(lease.release()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_READONLY' });
    expect(lease.signal.reason).toMatchObject({ reason: 'released' });
    expect(await lease.release()).toBe(false);
  });

  test('whose answer is lost is repeated', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 60_000 });
    await server.answer({ EVAL: { drop: true } });
    const released = lease.release();
    await server.received('EVAL', 2);
    // The first one was carried out: nothing is left for the second.
    await server.answer({ EVAL: ':0\r\n' });
    expect(await released).toBe(true);
  });

  test('whose answer is lost each time is not repeated for ever', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const redis = clientOf(server);
    const lease = await acquire(redis, 'job', { ttlMs: 200 });
    await server.answer({ EVAL: { drop: true } });
    expect(await lease.release()).toBe(false);
    // More than are repeated where nobody waits for the answer.
    expect(server.commands.length).toBeGreaterThan(8);
    const since = performance.now();
    await redis.loop.stop({ deadlineMs: 10_000 });
    expect(performance.now() - since).toBeLessThan(5000);
  });

  test('that gets no answer is over with the window', async () => {
    await using server = await FakeServer.start({ EVAL: GRANTED });
    const lease = await acquire(clientOf(server), 'job', { ttlMs: 300 });
    await server.answer({ EVAL: {} });
    expect(await lease.release()).toBe(false);
    expect(lease.signal.reason).toMatchObject({ reason: 'expired' });
  });
});
