// How a consumer ends. A failure here is a job that others get too late, or twice, or an attempt that nobody has made; a
// promise that never settles; or a consumer that does not end.

import { describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Consumer, type Job } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

describe('close()', () => {
  test('hands back at once what was not begun, and that is no attempt', async () => {
    await side.add(5);
    const consumer = side.consumer({ concurrency: 2, prefetch: 3 });
    const jobs = await take(consumer, 2);
    await expect.poll(() => side.pendingCount()).toBe(5);
    const other = side.consumer({ concurrency: 3 });
    other.run(() => new Promise(() => {}));
    await expect.poll(() => side.waiting()).toBe(1);
    const closed = consumer.close();
    // Nobody waits for a lease to run out: the other is woken.
    await expect.poll(() => other.stats().active).toBe(3);
    const pending = await side.pending();
    expect(pending.map(([, owner, , count]) => [owner === other.name, count])).toEqual([
      [false, 1],
      [false, 1],
      [true, 1],
      [true, 1],
      [true, 1],
    ]);
    await Promise.all(jobs.map((job) => job.ack()));
    await closed;
    expect(consumer.stats()).toMatchObject({ acked: 2, handedBack: 3, held: 0 });
    // It has left the group.
    const consumers = await side.redis.call('XINFO', 'CONSUMERS', 'jobs', 'g');
    expect(JSON.stringify(consumers)).not.toContain(consumer.name);
  });

  test('waits for what was begun, until its deadline', async () => {
    await side.add(2);
    const consumer = side.consumer({ concurrency: 2 });
    const [fast, slow] = (await take(consumer, 2)) as [Job, Job];
    const closed = consumer.close({ deadlineMs: 200 });
    const began = performance.now();
    await fast.ack();
    expect(await endOf(slow)).toMatchObject({ reason: 'released' });
    await expect(slow.ack()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_ENDED',
      reason: 'released',
    });
    await closed;
    expect(performance.now() - began).toBeGreaterThan(190);
    const [again] = await take(side.consumer(), 1);
    expect(again).toMatchObject({ id: slow.id, attempt: 2 });
  });

  test('does not wait for a server that hangs', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 30_000 });
    await take(consumer, 1);
    await side.redis.call('CLIENT', 'PAUSE', '4000', 'ALL');
    const answered = side.redis.ping().then(() => 'the server is back');
    const closed = consumer.close({ deadlineMs: 100 }).then(() => 'closed');
    expect(await Promise.race([closed, answered])).toBe('closed');
    await answered;
  });

  test('does not wait for a read that waits at the server', async () => {
    const consumer = side.consumer({ leaseMs: 30_000 });
    take(consumer, 1).catch(() => {});
    await expect.poll(() => side.waiting()).toBe(1);
    // The read would wait for ten seconds.
    const waited = side.redis.blpop('nothing', 8).then(() => 'the server is done waiting');
    expect(await Promise.race([consumer.close().then(() => 'closed'), waited])).toBe('closed');
    side.redis.disconnect();
  });

  test('ends iterators and run(), and can be called again, and before anything', async () => {
    const consumer = side.consumer();
    const next = consumer[Symbol.asyncIterator]().next();
    const run = consumer.run(() => {});
    const closed = consumer.close();
    expect(consumer.close()).toBe(closed);
    expect(await next).toEqual({ done: true, value: undefined });
    await run;
    await closed;
    await consumer.run(() => {});
    expect(await consumer[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    const unused = side.consumer();
    await unused.close();
    expect(await unused[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
  });

  test('ends at its deadline where the server is gone', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 400 });
    const [job] = await take(consumer, 1);
    await side.redis.call('CLIENT', 'PAUSE', '6000', 'ALL');
    const answered = side.redis.ping().then(() => 'the server is back');
    const acked = job?.ack();
    acked?.catch(() => {});
    const closed = consumer.close({ deadlineMs: 300 }).then(() => 'closed');
    expect(await Promise.race([closed, answered])).toBe('closed');
    await expect(acked).rejects.toMatchObject({ code: 'ERR_SIDELOOP_LEASE_ENDED' });
    await answered;
  });

  test.each([1, 2, 3, 4, 5])(
    'in the midst of work loses nothing and runs nothing twice (%i)',
    async () => {
      const ids = await side.add(3000);
      const seen: string[] = [];
      const handler = async (job: Job) => {
        seen.push(job.id);
        await side.redis.ping();
      };
      while (seen.length < ids.length) {
        const consumer = side.consumer({ concurrency: 50 });
        const enough = Math.min(ids.length, seen.length + 700);
        const run = consumer.run(handler);
        while (seen.length < enough) await side.redis.ping();
        await consumer.close();
        await run;
      }
      expect(seen).toHaveLength(ids.length);
      expect(new Set(seen).size).toBe(ids.length);
      expect(await side.pendingCount()).toBe(0);
    },
  );
});

describe('the loop', () => {
  const consumerOn = (loop: EventLoop, options = {}) => {
    const redis = new Redis({ port: side.server.port, loop });
    return new Consumer(redis, { stream: 'jobs', group: 'g', ...options });
  };

  test('stops: acks that were accepted go out, the rest is handed back', async () => {
    await side.add(40);
    const loop = new EventLoop();
    const consumer = consumerOn(loop, { concurrency: 20 });
    const jobs = await take(consumer, 20);
    await expect.poll(() => side.pendingCount()).toBe(40);
    const acks = jobs.slice(0, 10).map((job) => job.ack());
    const ends = jobs.slice(10).map((job) => endOf(job));
    await loop.stop();
    await Promise.all(acks);
    for (const end of await Promise.all(ends))
      expect(end).toMatchObject({ reason: 'loop-stopped' });
    await consumer.close();
    const pending = await side.pending();
    // Ten begun, which were attempts, and twenty that were not.
    expect(pending.map(([, , , count]) => count).toSorted()).toEqual([
      ...Array(20).fill(0),
      ...Array(10).fill(1),
    ]);
    const [other] = await take(side.consumer({ concurrency: 30 }), 1);
    expect(other?.validForMs()).toBeGreaterThan(0);
  });

  test('is destroyed: all ends at once', async () => {
    await side.add(4);
    const loop = new EventLoop();
    const consumer = consumerOn(loop, { concurrency: 2 });
    const [first, second] = (await take(consumer, 2)) as [Job, Job];
    const run = consumer.run(() => {});
    const acked = first.ack();
    acked.catch(() => {});
    loop.destroy();
    expect(await endOf(second)).toMatchObject({ reason: 'loop-stopped' });
    await acked.catch((error) => expect(error.code).toBe('ERR_SIDELOOP_LEASE_ENDED'));
    await expect(second.ack()).rejects.toMatchObject({ reason: 'loop-stopped' });
    await run;
    await consumer.close();
  });

  test('that was stopped before is an error', async () => {
    const loop = new EventLoop();
    const consumer = consumerOn(loop);
    await loop.stop();
    await expect(consumer.run(() => {})).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    await consumer.close();
  });

  test('of an ack that comes too late says so', async () => {
    await side.add(1);
    const loop = new EventLoop();
    const consumer = consumerOn(loop);
    const [job] = await take(consumer, 1);
    const stopped = loop.stop();
    await expect(job?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    await stopped;
    await consumer.close();
  });
});
