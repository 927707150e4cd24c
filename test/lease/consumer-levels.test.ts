// Levels of urgency, partitions, delayed jobs and what wakes a consumer for them. A failure here means that urgent jobs
// wait for others, or that others are never run; or that a job which is due stays where it is.

import { describe, expect, test } from 'vitest';
import { Consumer, type Job, Producer } from '../../lib/lease/index.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();
const priorities = ['high', 'middle', 'low'];
const queue = { priorities };
const streamOf = (level: string) => `{jobs}:${level}`;

async function addTo(level: string, count: number): Promise<void> {
  await side.add(count, streamOf(level));
}

const levelsOf = (jobs: readonly Job[]) => jobs.map((job) => job.priority);

describe('with priorities', () => {
  test('the most urgent come first', async () => {
    for (const level of priorities.toReversed()) await addTo(level, 3);
    const jobs = await take(side.consumer({ ...queue, concurrency: 9 }), 9);
    expect(levelsOf(jobs)).toEqual(priorities.flatMap((level) => [level, level, level]));
    expect(jobs[3]).toMatchObject({ stream: streamOf('middle'), fields: { n: '0' } });
    await Promise.all(jobs.map((job) => job.ack()));
    for (const level of priorities) expect(await side.pendingCount(streamOf(level))).toBe(0);
  });

  test.each([
    ['one read', 60],
    ['many reads', 1],
  ])('of any 16 in a row each level has one that has any, by %s', async (_, room) => {
    await addTo('high', 40);
    await addTo('middle', 5);
    await addTo('low', 5);
    const consumer = side.consumer({ ...queue, concurrency: room, prefetch: 0 });
    const seen: (string | undefined)[] = [];
    for await (const job of consumer) {
      seen.push(job.priority);
      job.ack();
      if (seen.length === 50) break;
    }
    const lastHigh = seen.lastIndexOf('high');
    for (let first = 0; first + 16 <= lastHigh; first++) {
      const some = seen.slice(first, first + 16);
      const after = seen.slice(first);
      for (const level of priorities) {
        if (after.includes(level)) expect(some, `from ${first}`).toContain(level);
      }
      // And no more of the lower ones than that.
      expect(some.filter((level) => level === 'high')).toHaveLength(14);
    }
    expect(seen.filter((level) => level === 'high')).toHaveLength(40);
  });

  test('a job of any level wakes a consumer that waits', async () => {
    const consumer = side.consumer({ ...queue, concurrency: 5 });
    for (const level of ['low', 'high', 'middle']) {
      const next = take(consumer, 1);
      await expect.poll(() => side.waiting()).toBe(1);
      await addTo(level, 1);
      expect(levelsOf(await next)).toEqual([level]);
    }
  });

  test('no more is held than concurrency, prefetch and the number of levels', async () => {
    const consumer = side.consumer({ ...queue, concurrency: 2, prefetch: 2 });
    const running = consumer.run(() => new Promise(() => {}));
    await expect.poll(() => side.waiting()).toBe(1);
    await Promise.all(priorities.map((level) => addTo(level, 20)));
    await expect.poll(() => consumer.stats().held).toBeGreaterThanOrEqual(4);
    await side.redis.ping();
    const pending = await Promise.all(
      priorities.map((level) => side.pendingCount(streamOf(level))),
    );
    expect(pending.reduce((a, b) => a + b)).toBeLessThanOrEqual(4 + priorities.length);
    await consumer.close({ deadlineMs: 0 });
    expect(consumer.stats().active).toBe(0);
    running.catch(() => {});
  });

  test('a failed job stays at its level', async () => {
    await addTo('low', 1);
    const consumer = side.consumer(queue);
    const [first] = await take(consumer, 1);
    await first?.fail('no', { retryAfterMs: 20 });
    const [second] = await take(consumer, 1);
    await second?.fail('no');
    const [third] = await take(consumer, 1);
    expect(third).toMatchObject({ id: first?.id, attempt: 3, priority: 'low' });
  });
});

describe('with partitions', () => {
  const partitions = ['a', 'b', 'c', 'd'];

  test('all are read, and concurrency is that of all together', async () => {
    const consumer = side.consumer({ partitions, concurrency: 3 });
    for (const name of partitions) await side.add(50, `jobs:{${name}}`);
    let running = 0;
    let most = 0;
    const seen = new Map<string, number>();
    const run = consumer.run(async (job) => {
      most = Math.max(most, ++running);
      await side.redis.ping();
      running--;
      seen.set(job.stream, (seen.get(job.stream) ?? 0) + 1);
    });
    await expect.poll(() => consumer.stats().acked).toBe(200);
    await consumer.close();
    await run;
    expect(most).toBe(3);
    expect([...seen.values()]).toEqual([50, 50, 50, 50]);
  });

  test('each may have a server of its own', async () => {
    const clients = new Map(partitions.map((name) => [name, side.client()]));
    const consumer = new Consumer((name) => clients.get(name) as never, {
      stream: 'jobs',
      group: 'g',
      partitions,
    });
    const next = take(consumer, 1);
    await side.add(1, 'jobs:{c}');
    expect((await next)[0]?.stream).toBe('jobs:{c}');
    await consumer.close({ deadlineMs: 0 });
  });
});

describe('delayed jobs', () => {
  test('run when they are due, whatever this thread does', async () => {
    const producer = new Producer(side.redis, { stream: 'jobs' });
    const consumer = side.consumer({ concurrency: 10 });
    const next = take(consumer, 3);
    const began = performance.now();
    const later = await producer.add({ n: 'later' }, { delayMs: 300 });
    await producer.add({ n: 'sooner' }, { delayMs: 150 });
    await producer.add({ n: 'now' });
    const jobs = await next;
    expect(jobs.map((job) => job.fields.n)).toEqual(['now', 'sooner', 'later']);
    const took = performance.now() - began;
    expect(took).toBeGreaterThan(295);
    expect(jobs[2]).toMatchObject({ id: later.id, attempt: 1 });
    await expect.poll(() => consumer.stats().moved).toBe(2);
    await Promise.all(jobs.map((job) => job.ack()));
    // The markers that told of them are gone.
    await expect.poll(() => side.redis.call('XLEN', 'jobs')).toBe(0);
    expect(await side.pendingCount()).toBe(0);
  });
});
