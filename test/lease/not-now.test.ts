// A real server that says "not now": what was done is settled when it is back, and nothing is run twice. A failure here is a
// job that runs again though its handler is done, a key that stays although its lease was released, or a wait that was given up.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { acquire, Consumer, type ConsumerOptions, type Job } from '../../lib/lease/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { take } from './consumer-side.js';
import { STATES, StatefulServer } from './server-states.js';

let server: StatefulServer;
let loop: EventLoop;
let control: Redis;
const consumers: Consumer[] = [];

const client = (options: RedisOptions = {}) =>
  new Redis({ port: server.port, loop, reconnectMinDelay: 5, reconnectMaxDelay: 20, ...options });

beforeEach(async () => {
  server = await StatefulServer.start();
  loop = new EventLoop();
  control = client();
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((one) => one.close({ deadlineMs: 0 })));
  loop.destroy();
  await server[Symbol.asyncDispose]();
});

function consumer(options: Partial<ConsumerOptions> = {}): Consumer {
  const made = new Consumer(client(), { stream: 'jobs', group: 'g', leaseMs: 30_000, ...options });
  consumers.push(made);
  return made;
}

const add = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, n) => control.call('XADD', 'jobs', '*', 'n', n)));

const pending = async () => (await control.call('XPENDING', 'jobs', 'g'))[0] as number;

/** How often the server has said a word; the count starts anew with the server. */
async function said(word: string): Promise<number> {
  const stats = await control.call('INFO', 'errorstats');
  return Number(new RegExp(`errorstat_${word}:count=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe.each(STATES)('while a server $name', ({ name, says, enter }) => {
  test('30 finished jobs are acked when it is back, and run once each', async () => {
    await add(30);
    const first = consumer({ concurrency: 30, prefetch: 0 });
    const seen: string[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const handler = async (job: Job) => {
      seen.push(job.id);
      await finished;
    };
    first.run(handler);
    await expect.poll(() => seen.length).toBe(30);
    const leave = await enter(server, control);
    finish();
    // A question that is sent behind the acks, and does not wait.
    await client({ enableReadyCheck: false })
      .call('GET', 'x')
      .catch(() => {});
    await leave();
    await expect.poll(pending, { timeout: 15_000 }).toBe(0);
    // The answers to the last acks may be on their way.
    await expect.poll(() => first.stats().acked).toBe(30);
    expect(first.stats()).toMatchObject({ lost: 0, expired: 0, handedBack: 0 });
    // Whoever comes then finds nothing to do.
    const second = consumer({ recoverEveryMs: 20 });
    second.run(handler);
    await expect.poll(() => second.stats().reads).toBeGreaterThan(0);
    expect(seen).toHaveLength(30);
    // What is said before a server hangs up is no reply.
    if (name !== 'is full') expect(await said(says)).toBeGreaterThan(0);
  });

  test('a failed job is tried again once', async () => {
    await add(1);
    const one = consumer({ retryDelayMs: 0 });
    const [job] = await take(one, 1);
    const leave = await enter(server, control);
    const failed = job?.fail('on purpose');
    await leave();
    await failed;
    const [again] = await take(one, 1);
    expect(again).toMatchObject({ id: job?.id, attempt: 2 });
    await again?.ack();
    expect(await pending()).toBe(0);
    expect(one.stats()).toMatchObject({ retried: 1, acked: 1, lost: 0 });
  });

  test('what was not begun is handed back when it is back', async () => {
    await add(2);
    const one = consumer({ concurrency: 1, prefetch: 1 });
    const [job] = await take(one, 1);
    await expect.poll(() => one.stats().held).toBe(2);
    const leave = await enter(server, control);
    const closed = one.close({ deadlineMs: 20_000 });
    await leave();
    // Without the hand-back its lease would last for longer than this test may.
    const [other] = await take(consumer({ recoverEveryMs: 50 }), 1);
    expect(other?.id).not.toBe(job?.id);
    expect(other?.attempt).toBe(1);
    await job?.ack();
    await closed;
    await other?.ack();
  });

  test('a lease is released when it is back, and release() says that it was', async () => {
    if (says === 'READONLY') return;
    const lease = await acquire(client(), 'key', { ttlMs: 60_000 });
    const leave = await enter(server, control);
    const released = lease.release();
    await leave();
    expect(await released).toBe(true);
    expect(await control.exists('key')).toBe(0);
  });

  test('a lease is renewed as soon as it is back', async () => {
    // The next renewal would be due when its window has closed.
    const options = { ttlMs: 60_000, renewEveryMs: 59_000 };
    const lease = await acquire(client(), 'key', options);
    const short = await acquire(client(), 'short', { ttlMs: 20_000, renewEveryMs: 100 });
    const leave = await enter(server, control);
    await expect.poll(() => short.stats().failed).toBeGreaterThan(0);
    await leave();
    const { renewals } = short.stats();
    await expect.poll(() => short.stats().renewals, { timeout: 5000 }).toBeGreaterThan(renewals);
    expect([lease, short].map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  test('an acquire that waits goes on waiting, and has the lease then', async () => {
    const holder = await acquire(client(), 'key', { ttlMs: 60_000 });
    const waits = client();
    const early = acquire(waits, 'key', { ttlMs: 60_000, wait: true });
    await expect.poll(() => control.zcard('{key}:queue')).toBe(1);
    const leave = await enter(server, control);
    const wish = { ttlMs: 60_000, wait: true };
    let late = acquire(client(), 'other', wish);
    // Another server has the keys, and may have them for ever: whoever asks is told.
    if (says === 'READONLY') await expect(late).rejects.toThrow(/^READONLY/);
    await leave();
    if (says === 'READONLY') late = acquire(client(), 'other', wish);
    const other = await late;
    await holder.release().catch(() => control.del('key'));
    const next = await early;
    expect([next.token, other.token]).toEqual([2, 1]);
    await next.release();
    await other.release();
  });
});

describe.each(STATES.filter(({ says }) => ['LOADING', 'MASTERDOWN'].includes(says)))(
  'a connection that is new to a server that $name',
  ({ says, enter }) => {
    const words = new RegExp(`^${says} `);

    test('an acquire that does not wait is told, and leaves nothing behind', async () => {
      const leave = await enter(server, control);
      const one = client();
      const wishes = ['a', 'b', 'c'].map((key) => acquire(one, key, { ttlMs: 60_000 }));
      const patient = acquire(one, 'd', { ttlMs: 60_000, wait: true });
      for (const wish of wishes) {
        const error = { code: `ERR_SIDELOOP_REDIS_${says}`, mayHaveRun: false, retryable: true };
        await expect(wish).rejects.toMatchObject(error);
        await expect(wish).rejects.toThrow(words);
        // Those are the server's words alone.
        await expect(wish).rejects.not.toThrow('The command');
      }
      // As well when its connection has been told before.
      await expect(acquire(one, 'e', { ttlMs: 60_000 })).rejects.toThrow(words);
      await leave();
      const lease = await patient;
      expect(await control.exists('a', 'b', 'c', 'e')).toBe(0);
      const again = await acquire(one, 'a', { ttlMs: 60_000 });
      expect(again.token).toBe(1);
      await again.release();
      await lease.release();
    });

    test('a consumer has the words of the server for its reason, and is well when it is back', async () => {
      const leave = await enter(server, control);
      const one = consumer();
      const errors: string[] = [];
      one.on('error', ({ message }) => errors.push(message));
      one.run(() => {});
      await expect.poll(() => one.health.reason).toMatch(words);
      await leave();
      await expect.poll(() => one.health, { timeout: 5000 }).toEqual({ healthy: true });
      expect(errors).toEqual([expect.stringMatching(words)]);
    });

    test('a consumer that was well says so as soon as it is told', async () => {
      const one = consumer();
      one.run(() => {});
      await add(1);
      await expect.poll(() => one.stats().acked).toBe(1);
      const leave = await enter(server, control);
      await expect.poll(() => one.health.reason, { timeout: 5000 }).toMatch(words);
      await leave();
      await expect.poll(() => one.health, { timeout: 5000 }).toEqual({ healthy: true });
    });
  },
);
