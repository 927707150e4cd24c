// What a consumer does where nothing goes wrong. A failure here means jobs that are lost, run twice, or run in a wrong
// order, or more of them at a time than was asked for.

import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { Consumer } from '../../lib/lease/index.js';
import { thrownBy } from '../thrown-by.js';
import { ConsumerSide, endOf, take } from './consumer-side.js';

const side = new ConsumerSide();

describe('jobs', () => {
  test('come in order, each with its fields, and are off the pending list when acked', async () => {
    const ids = await side.add(3);
    const consumer = side.consumer({ concurrency: 3 });
    const jobs = await take(consumer, 3);
    expect(jobs.map((job) => job.id)).toEqual(ids);
    expect(jobs.map((job) => job.fields)).toEqual([{ n: '0' }, { n: '1' }, { n: '2' }]);
    for (const job of jobs) {
      expect(job).toMatchObject({ attempt: 1, token: 1, stream: 'jobs', priority: undefined });
      expect(job.validForMs()).toBeGreaterThan(20_000);
      await job.ack();
      expect(job.validForMs()).toBe(0);
    }
    expect(await side.pendingCount()).toBe(0);
    expect(await side.redis.call('XLEN', 'jobs')).toBe(0);
    expect(consumer.stats()).toMatchObject({ delivered: 3, acked: 3, held: 0, active: 0 });
  });

  test('wake a consumer that waits', async () => {
    const consumer = side.consumer();
    const next = take(consumer, 1);
    await expect.poll(() => side.waiting()).toBe(1);
    const [id] = await side.add(1);
    expect((await next)[0]?.id).toBe(id);
  });

  test('have any names and values', async () => {
    const values = ['__proto__', 'ä', 'toString', '\0', 'ä', '', '__proto__x', '€'.repeat(5000)];
    await side.redis.call('XADD', 'jobs', '*', ...values);
    const [job] = await take(side.consumer(), 1);
    expect(Object.entries(job?.fields ?? {})).toEqual([
      ['__proto__', 'ä'],
      ['toString', '\0'],
      ['ä', ''],
      ['__proto__x', '€'.repeat(5000)],
    ]);
  });

  test('are deleted when acked, where that is asked for', async () => {
    await side.add(600);
    const consumer = side.consumer({ deleteAcked: true, concurrency: 600 });
    const jobs = await take(consumer, 600);
    await Promise.all(jobs.map((job) => job.ack()));
    expect(await side.redis.call('XLEN', 'jobs')).toBe(0);
  });

  test('are settled once', async () => {
    await side.add(1);
    const [job] = await take(side.consumer(), 1);
    const first = job?.ack();
    await expect(job?.fail('no')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_JOB_SETTLING' });
    await first;
    await expect(job?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_JOB_SETTLED' });
  });

  test('of two consumers are shared between them', async () => {
    const [a, b] = [side.consumer({ concurrency: 5 }), side.consumer({ concurrency: 5 })];
    const seen: string[] = [];
    const handler = (job: { id: string }) => {
      seen.push(job.id);
    };
    const runs = [a.run(handler), b.run(handler)];
    const ids = await side.add(2000);
    await expect.poll(() => seen.length).toBe(2000);
    await Promise.all([a.close(), b.close()]);
    await Promise.all(runs);
    expect(new Set(seen)).toEqual(new Set(ids));
    expect(a.stats().acked + b.stats().acked).toBe(2000);
    expect(Math.min(a.stats().acked, b.stats().acked)).toBeGreaterThan(0);
  });
});

describe('a failed job', () => {
  test('is tried again, and becomes a dead letter with its history', async () => {
    const [id] = await side.add(1);
    const consumer = side.consumer({ maxAttempts: 3 });
    for (let attempt = 1; attempt <= 3; attempt++) {
      const [job] = await take(consumer, 1);
      expect(job).toMatchObject({ id, attempt, token: attempt, fields: { n: '0' } });
      await job?.fail(new Error(`no ${attempt}`));
    }
    const [[, dead]] = await side.redis.call('XRANGE', '{jobs}:dead', '-', '+');
    expect(dead.slice(0, 3)).toEqual(['n', '0', 'sideloop']);
    const meta = JSON.parse(dead[3]);
    expect(meta).toMatchObject({ id, attempt: 3 });
    expect(meta.history).toMatchObject(
      [1, 2, 3].map((attempt) => ({
        attempt,
        consumer: consumer.name,
        error: `Error: no ${attempt}`,
        at: expect.any(Number),
      })),
    );
    expect(await side.pendingCount()).toBe(0);
    expect(consumer.stats()).toMatchObject({ retried: 2, dead: 1, acked: 0 });
  });

  test('becomes a dead letter at once where that is asked for, in the stream of choice', async () => {
    await side.add(1);
    const consumer = side.consumer({ deadLetter: 'graves', deleteAcked: true });
    const [job] = await take(consumer, 1);
    await job?.fail('x'.repeat(5000), { dead: true });
    const [[, dead]] = await side.redis.call('XRANGE', 'graves', '-', '+');
    expect(JSON.parse(dead[3]).history[0].error).toBe('x'.repeat(1000));
    expect(await side.redis.call('XLEN', 'jobs')).toBe(0);
  });

  test('waits for its next attempt for as long as it is told to', async () => {
    const [id] = await side.add(1);
    const asked: number[] = [];
    const retryDelayMs = (attempt: number) => {
      asked.push(attempt);
      return 200;
    };
    const consumer = side.consumer({ retryDelayMs });
    const began = performance.now();
    for (const attempt of [1, 2, 3]) {
      const [job] = await take(consumer, 1);
      expect(job).toMatchObject({ id, attempt, fields: { n: '0' } });
      await job?.fail('no', attempt === 2 ? { retryAfterMs: 300 } : {});
    }
    expect(performance.now() - began).toBeGreaterThanOrEqual(499);
    expect(asked).toEqual([1, 3]);
    expect(await side.redis.call('ZCARD', '{jobs}:delayed')).toBe(1);
    expect(consumer.stats().moved).toBe(2);
  });
});

describe('concurrency', () => {
  test('bounds the jobs that are begun, and prefetch those that are held', async () => {
    await side.add(50);
    const consumer = side.consumer({ concurrency: 4, prefetch: 3 });
    const jobs = await take(consumer, 4);
    const fifth = take(consumer, 1);
    await expect.poll(() => side.pendingCount()).toBe(7);
    expect(consumer.stats()).toMatchObject({ active: 4, held: 7 });
    await jobs[2]?.ack();
    expect((await fifth)[0]?.fields).toEqual({ n: '4' });
    await expect.poll(() => side.pendingCount()).toBe(7);
  });

  test('of 1 with no prefetch has one job after the other', async () => {
    await side.add(20);
    const consumer = side.consumer({ prefetch: 0 });
    let most = 0;
    let seen = 0;
    for await (const job of consumer) {
      most = Math.max(most, await side.pendingCount());
      await job.ack();
      if (++seen === 20) break;
    }
    expect(most).toBe(1);
  });
});

describe('taking jobs', () => {
  test('stops with the loop that is left, and can begin again', async () => {
    await side.add(4);
    const consumer = side.consumer();
    for await (const job of consumer) {
      await job.ack();
      break;
    }
    const [job] = await take(consumer, 1);
    expect(job?.fields).toEqual({ n: '1' });
    await job?.ack();
    const iterator = consumer[Symbol.asyncIterator]();
    const taken = await iterator.next();
    // It waits, as one job is begun.
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await taken.value?.ack();
    expect((await take(consumer, 1))[0]?.fields).toEqual({ n: '3' });
  });

  test('by run() acks what returns, and fails what throws', async () => {
    await side.add(6);
    const consumer = side.consumer({ concurrency: 2, maxAttempts: 2 });
    const seen: string[] = [];
    const run = consumer.run((job) => {
      seen.push(`${job.fields.n}.${job.attempt}`);
      if (job.fields.n === '1') throw new Error('at once');
      if (job.fields.n === '2') return Promise.reject(new Error('later'));
      return job.fields.n === '3' ? job.ack() : undefined;
    });
    await expect.poll(() => seen.length).toBe(8);
    await consumer.close();
    await run;
    expect(seen.toSorted()).toEqual(['0.1', '1.1', '1.2', '2.1', '2.2', '3.1', '4.1', '5.1']);
    expect(consumer.stats()).toMatchObject({ acked: 4, retried: 2, dead: 2 });
  });

  test('by run() ends with its signal, and what was begun is waited for', async () => {
    await side.add(3);
    const consumer = side.consumer();
    const aborted = new AbortController();
    let finish = () => {};
    const run = consumer.run(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
          aborted.abort();
        }),
      { signal: aborted.signal },
    );
    await expect.poll(() => aborted.signal.aborted).toBe(true);
    let over = false;
    run.then(() => {
      over = true;
    });
    await side.redis.ping();
    expect(over).toBe(false);
    finish();
    await run;
    expect(consumer.stats()).toMatchObject({ acked: 1, active: 0 });
    expect((await take(consumer, 1))[0]?.fields).toEqual({ n: '1' });
    await expect(consumer.run(() => {}, { signal: aborted.signal })).rejects.toMatchObject({
      code: 'ABORT_ERR',
    });
  });

  test('by run() has the async context of the call', async () => {
    await side.add(3);
    const consumer = side.consumer();
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const run = storage.run('mine', () =>
      consumer.run(async () => {
        seen.push(storage.getStore());
        await null;
        seen.push(storage.getStore());
      }),
    );
    await expect.poll(() => seen.length).toBe(6);
    await consumer.close();
    await run;
    expect(new Set(seen)).toEqual(new Set(['mine']));
  });
});

describe('a lease', () => {
  test('is renewed for as long as the job takes', async () => {
    await side.add(1);
    const consumer = side.consumer({ leaseMs: 200 });
    const rival = side.consumer({ leaseMs: 200, recoverEveryMs: 20 });
    const [job] = await take(consumer, 1);
    let stolen = false;
    take(rival, 1).then(
      () => {
        stolen = true;
      },
      () => {},
    );
    await expect.poll(() => consumer.stats().renewals.accepted).toBeGreaterThan(10);
    expect(stolen).toBe(false);
    expect(job?.signal.aborted).toBe(false);
    await job?.ack();
  });

  test('ends after maxLeaseMs, unless it is extended', async () => {
    await side.add(2);
    const consumer = side.consumer({ leaseMs: 200, maxLeaseMs: 300, concurrency: 2 });
    const [short, long] = await take(consumer, 2);
    long?.extend(60_000);
    expect(await endOf(short as never)).toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_ENDED',
      reason: 'max-lease',
    });
    await expect(short?.ack()).rejects.toMatchObject({ reason: 'max-lease' });
    expect(long?.signal.aborted).toBe(false);
    await long?.ack();
    expect(consumer.stats()).toMatchObject({ expired: 1, acked: 1 });
    // It was idle for a lease at that very moment.
    const [again] = await take(side.consumer({ leaseMs: 200, recoverEveryMs: 20 }), 1);
    expect(again).toMatchObject({ id: short?.id, attempt: 2 });
  });

  test('that another has taken over refuses acks', async () => {
    await side.add(1);
    const consumer = side.consumer();
    const [job] = await take(consumer, 1);
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    await expect(job?.ack()).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_LEASE_ENDED',
      reason: 'lost',
    });
    expect((await side.pending())[0]).toMatchObject([job?.id, 'thief', expect.any(Number), 2]);
    expect(job?.signal.aborted).toBe(true);
    expect(consumer.stats()).toMatchObject({ lost: 1, acked: 0 });
  });

  test('that another has taken over aborts its signal at the next renewal', async () => {
    await side.add(1);
    const [job] = await take(side.consumer({ leaseMs: 300 }), 1);
    await side.redis.call('XCLAIM', 'jobs', 'g', 'thief', 0, job?.id ?? '');
    expect(await endOf(job as never)).toMatchObject({ reason: 'lost' });
    await expect(job?.fail('late')).rejects.toMatchObject({ reason: 'lost' });
    expect(await side.redis.call('XLEN', 'jobs')).toBe(1);
  });
});

describe('arguments', () => {
  const wrongs: [string, object][] = [
    ['leaseMs', { leaseMs: 99 }],
    ['leaseMs', { leaseMs: 1.5 }],
    ['renewEveryMs', { leaseMs: 100, renewEveryMs: 100 }],
    ['concurrency', { concurrency: 0 }],
    ['prefetch', { prefetch: -1 }],
    ['priorities', { priorities: 'abcdefghi'.split('') }],
    ['priorities', { priorities: [] }],
    ['maxAttempts', { maxAttempts: 0 }],
    ['retryDelayMs', { retryDelayMs: Number.NaN }],
    ['partitions', { partitions: ['a', 'a'] }],
    ['deadLetter', { deadLetter: 'jobs' }],
    ['deadLetter', { deadLetter: '{jobs}:low', priorities: ['high', 'low'] }],
    ['deadLetter', { deadLetter: '{jobs}:delayed' }],
    ['deadLetter', { deadLetter: '{jobs}:g:history' }],
    ['deadLetter', { deadLetter: '{jobs}:another:history' }],
    ['deadLetter', { deadLetter: '{jobs}:g:acked@jobs' }],
    ['deadLetter', { deadLetter: '{jobs}:once:k' }],
    ['deadLetter', { deadLetter: 'a{b}', stream: 'a{b}' }],
    ['deadLetter', { deadLetter: 'a{b}:delayed', stream: 'a{b}' }],
    ['deadLetter', { deadLetter: 'jobs:{us}', partitions: ['eu', 'us'] }],
    ['deadLetter', { deadLetter: 'jobs:{us}:low', partitions: ['eu', 'us'], priorities: ['low'] }],
    ['start', { start: 'now' }],
    ['group', { group: '' }],
    ['stream', { stream: 5 }],
  ];
  test.each(wrongs)('%s is checked: %j', (name, options) => {
    const thrown = thrownBy(
      () => new Consumer(side.redis, { stream: 'jobs', group: 'g', ...options }),
    );
    expect(thrown).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(`^${name}`),
    });
  });
  test.each<[string, object]>([
    ['graves', {}],
    ['{jobs}:dead', {}],
    ['{jobs}:graves', {}],
    ['jobs:dead', { priorities: ['high', 'low'] }],
    ['{other}:delayed', {}],
    ['jobs:{us}:dead', { partitions: ['eu', 'us'] }],
  ])('a stream of its own may have the dead letters: %s', async (deadLetter, options) => {
    const redis = () => side.redis;
    const consumer = new Consumer(redis as never, {
      ...{ stream: 'jobs', group: 'g', deadLetter, partitions: ['one'] },
      ...options,
    });
    await consumer.close();
  });
  test('the client is checked', () => {
    const thrown = thrownBy(() => new Consumer({} as never, { stream: 'jobs', group: 'g' }));
    expect(thrown).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
  });
});
