// A group that goes away while jobs of it run, and is made anew: the server forgets who has what, and gives all of it out
// again. A failure here is a job that runs twice while both believe that it is theirs, or an ack of one that settles the
// other.

import { describe, expect, test } from 'vitest';
import type { Consumer, Job } from '../../lib/lease/index.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();
const LEASE = { leaseMs: 30_000 };

/** The handlers that run, and whether a job had two of them with valid leases. */
class Runs {
  readonly begun: Job[] = [];
  readonly acked: string[] = [];
  both = 0;
  #go: (() => void)[] = [];

  constructor(consumer: Consumer) {
    consumer.on('completed', ({ job }) => this.acked.push(job.fields.n as string));
    consumer.run(async (job) => {
      const isValid = (other: Job) => other.fields.n === job.fields.n && other.validForMs() > 0;
      if (this.begun.some(isValid)) this.both++;
      this.begun.push(job);
      await new Promise<void>((resolve) => this.#go.push(resolve));
    });
  }

  get count(): number {
    return this.begun.length;
  }

  /** All handlers return, those that are still to come as well. */
  finish(): void {
    for (const go of this.#go) go();
    this.#go = { push: (go: () => void) => go() } as never;
  }
}

const idsOf = (count: number) => Array.from({ length: count }, (_, n) => `1-${n + 1}`);
const addAs = (ids: readonly string[]) =>
  Promise.all(ids.map((id, n) => side.redis.call('XADD', 'jobs', id, 'n', `${n}`)));

describe('ends what was held, before any of it is given out again', () => {
  const ways: [string, () => Promise<unknown>][] = [
    ['XGROUP DESTROY', () => side.redis.call('XGROUP', 'DESTROY', 'jobs', 'g')],
    ['FLUSHALL, and the same entries', () => side.redis.flushall().then(() => addAs(idsOf(5)))],
    ['DEL, and the same entries', () => side.redis.del('jobs').then(() => addAs(idsOf(5)))],
    [
      'RENAME, and back',
      async () => {
        await side.redis.call('COPY', 'jobs', 'copy');
        await side.redis.call('XGROUP', 'DESTROY', 'copy', 'g');
        await side.redis.call('RENAME', 'copy', 'jobs');
      },
    ],
  ];

  test.each(ways)('%s', async (_, lose) => {
    await addAs(idsOf(5));
    const consumer = side.consumer({ ...LEASE, concurrency: 20, recoverEveryMs: 50 });
    const lost: string[] = [];
    consumer.on('lost', ({ job, error }) => lost.push(`${job.fields.n} ${error.reason}`));
    const told = new Promise<Error>((resolve) => consumer.once('error', resolve));
    const runs = new Runs(consumer);
    await expect.poll(() => runs.count).toBe(5);
    await lose();
    expect(await told).toMatchObject({ code: 'ERR_SIDELOOP_GROUP_LOST' });
    await expect.poll(() => runs.count, { timeout: 20_000 }).toBe(10);
    expect(runs.both).toBe(0);
    expect(lost.toSorted()).toEqual(['0 lost', '1 lost', '2 lost', '3 lost', '4 lost']);
    for (const job of runs.begun.slice(0, 5)) expect(job.signal.aborted).toBe(true);
    expect(await side.pendingCount()).toBe(5);
    runs.finish();
    await expect.poll(() => side.pendingCount()).toBe(0);
    expect(runs.acked.toSorted()).toEqual(['0', '1', '2', '3', '4']);
  });

  test('an ack of what was lost does not settle its next delivery', async () => {
    await addAs(idsOf(1));
    const consumer = side.consumer({ ...LEASE, concurrency: 4, prefetch: 0 });
    const [first] = (await take(consumer, 1)) as [Job];
    await side.redis.call('XGROUP', 'DESTROY', 'jobs', 'g');
    const [second] = (await take(consumer, 1)) as [Job];
    expect(second.id).toBe(first.id);
    expect(first.validForMs()).toBe(0);
    await expect(first.ack()).rejects.toMatchObject({ reason: 'lost' });
    expect(await side.pendingCount()).toBe(1);
    await second.ack();
    expect(await side.pendingCount()).toBe(0);
  });

  // There is no room for a read, so that it is a renewal that learns of it.
  test('what was held ready runs once', async () => {
    await addAs(idsOf(8));
    const consumer = side.consumer({ leaseMs: 2000, concurrency: 2, prefetch: 6 });
    const runs = new Runs(consumer);
    await expect.poll(() => side.pendingCount()).toBe(8);
    await expect.poll(() => runs.count).toBe(2);
    await side.redis.call('XGROUP', 'DESTROY', 'jobs', 'g');
    await expect.poll(() => runs.count, { timeout: 20_000 }).toBe(4);
    runs.finish();
    await expect.poll(() => side.pendingCount()).toBe(0);
    await expect.poll(() => runs.acked.length).toBe(8);
    expect(runs.both).toBe(0);
    expect(runs.count).toBe(10);
  });

  test('of one level: those of the others go on', async () => {
    const consumer = side.consumer({ ...LEASE, priorities: ['high', 'low'], concurrency: 9 });
    const runs = new Runs(consumer);
    await expect.poll(() => side.waiting()).toBe(1);
    const streams = (await side.redis.call('KEYS', '*')) as string[];
    const [low] = streams.filter((name) => name.includes('low')) as [string];
    const [high] = streams.filter((name) => name !== low && name.includes('high')) as [string];
    await side.redis.call('XADD', high, '*', 'n', 'high');
    await side.redis.call('XADD', low, '*', 'n', 'low');
    await expect.poll(() => runs.count).toBe(2);
    await side.redis.call('XGROUP', 'DESTROY', low, 'g');
    await expect.poll(() => runs.count, { timeout: 20_000 }).toBe(3);
    const aborted = runs.begun.map((job) => `${job.fields.n} ${job.signal.aborted}`);
    expect(aborted.toSorted()).toEqual(['high false', 'low false', 'low true']);
    expect(runs.both).toBe(0);
    runs.finish();
    await expect.poll(() => runs.acked.toSorted()).toEqual(['high', 'low']);
  });
});

describe('a group that gives out again what is held', () => {
  const ways: [string, () => Promise<unknown>][] = [
    ['XGROUP SETID', () => side.redis.call('XGROUP', 'SETID', 'jobs', 'g', '0')],
    [
      'made anew at once by somebody else',
      () =>
        side.redis.call(
          'EVAL',
          `redis.call('XGROUP', 'DESTROY', KEYS[1], 'g')
           redis.call('XGROUP', 'CREATE', KEYS[1], 'g', '0')`,
          1,
          'jobs',
        ),
    ],
  ];

  test.each(ways)('%s: the job goes on, and there is no second one', async (_, again) => {
    await addAs(idsOf(3));
    const consumer = side.consumer({ ...LEASE, concurrency: 20 });
    const runs = new Runs(consumer);
    await expect.poll(() => runs.count).toBe(3);
    await again();
    // What comes behind them is read after them, if they are read.
    await side.redis.call('XADD', 'jobs', '*', 'n', 'next');
    await expect.poll(() => runs.begun.some((job) => job.fields.n === 'next')).toBe(true);
    expect(runs.both).toBe(0);
    runs.finish();
    await expect.poll(() => runs.acked.toSorted()).toEqual(['0', '1', '2', 'next']);
    await expect.poll(() => side.pendingCount()).toBe(0);
  });

  test('with other deliveries: the one before is lost', async () => {
    await addAs(idsOf(1));
    const dead = side.consumer({ ...LEASE, concurrency: 1, name: 'dead' });
    await take(dead, 1);
    await dead.close({ deadlineMs: 0 });
    const consumer = side.consumer({ ...LEASE, concurrency: 4, recoverEveryMs: 50 });
    const [first] = (await take(consumer, 1)) as [Job];
    expect(first.attempt).toBe(2);
    await side.redis.call('XGROUP', 'SETID', 'jobs', 'g', '0');
    await side.redis.call('XADD', 'jobs', '*', 'n', 'next');
    const ended = endOf(first);
    const [second] = (await take(consumer, 1)) as [Job];
    expect(await ended).toMatchObject({ reason: 'lost' });
    expect(second).toMatchObject({ id: first.id, attempt: 1 });
    await expect(first.ack()).rejects.toMatchObject({ reason: 'lost' });
    await second.ack();
  });
});
