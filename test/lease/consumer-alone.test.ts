// What fails, fails alone. A failure here means that one level, entry or key that is wrong stops all the others, or that a
// job is neither tried again nor put away, for ever.

import { describe, expect, onTestFinished, test } from 'vitest';
import { type Consumer, Producer } from '../../lib/lease/index.js';
import { SCRIPTS } from './consumer-scripts.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();
const OPTIONS = { leaseMs: 400, recoverEveryMs: 50 };
const call = (...args: (string | number)[]) => side.redis.call(...(args as [string]));
const errorsOf = (consumer: Consumer) => {
  const errors: (Error & { code?: string })[] = [];
  consumer.on('error', (error) => errors.push(error));
  return errors;
};
const metaOf = async (stream: string) => {
  const [[, words]] = (await call('XRANGE', stream, '-', '+')) as [[string, string[]]];
  return JSON.parse(words[words.indexOf('sideloop') + 1] as string);
};
const withMemory = () => side.server.cli('CONFIG', 'SET', 'maxmemory', '0');
const withoutMemory = async () => {
  onTestFinished(async () => {
    await withMemory();
  });
  await call('CONFIG', 'SET', 'maxmemory', '1');
};
/** An entry of so many fields. */
const large = (fields: number) =>
  call('XADD', 'jobs', '*', ...Array.from({ length: 2 * fields }, (_, i) => `${i}`));

describe('a level', () => {
  test.each([
    ['the most urgent', 'high', ['mid', 'low']],
    ['one between', 'mid', ['high', 'low']],
    ['the least urgent', 'low', ['high', 'mid']],
  ])('of the wrong type stops itself alone: %s', async (_, bad, good) => {
    await call('SET', `{jobs}:${bad}`, 'no stream');
    const consumer = side.consumer({
      ...OPTIONS,
      priorities: ['high', 'mid', 'low'],
      concurrency: 4,
    });
    const errors = errorsOf(consumer);
    for (const level of good) await side.add(2, `{jobs}:${level}`);
    const jobs = await take(consumer, 4);
    expect(new Set(jobs.map(({ priority }) => priority))).toEqual(new Set(good));
    await Promise.all(jobs.map((job) => job.ack()));
    expect(errors.some(({ message }) => message.includes(`{jobs}:${bad}`))).toBe(true);
    // It is read as soon as it is a stream.
    await call('DEL', `{jobs}:${bad}`);
    await side.add(1, `{jobs}:${bad}`);
    const [late] = await take(consumer, 1);
    expect(late?.priority).toBe(bad);
    // What comes while it waits is read, too.
    const next = take(consumer, 1);
    await expect.poll(() => side.waiting()).toBeGreaterThan(0);
    await side.add(1, `{jobs}:${good[1]}`);
    expect((await next)[0]?.priority).toBe(good[1]);
  });

  test('that becomes of the wrong type, and whose jobs die, stops itself alone', async () => {
    const consumer = side.consumer({ ...OPTIONS, priorities: ['high', 'low'], concurrency: 4 });
    const errors = errorsOf(consumer);
    await side.add(1, '{jobs}:high');
    const [job] = await take(consumer, 1);
    await job?.ack();
    await call('SET', '{jobs}:high', 'no stream');
    await side.add(1, '{jobs}:low');
    await expect.poll(() => errors.length).toBeGreaterThan(0);
    const [low] = await take(consumer, 1);
    expect(low?.priority).toBe('low');
    await low?.fail('again', { retryAfterMs: 0 });
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(2);
    await again?.ack();
  });

  test('all of the wrong type: it is said, and read when they are streams', async () => {
    for (const level of ['high', 'low']) await call('SET', `{jobs}:${level}`, 'no stream');
    const consumer = side.consumer({ ...OPTIONS, priorities: ['high', 'low'] });
    const errors = errorsOf(consumer);
    const first = take(consumer, 1);
    await expect.poll(() => errors.length).toBe(2);
    await expect.poll(() => consumer.health.healthy).toBe(false);
    for (const level of ['high', 'low']) await call('DEL', `{jobs}:${level}`);
    await side.add(1, '{jobs}:low');
    expect((await first)[0]?.priority).toBe('low');
    expect(consumer.health.healthy).toBe(true);
  });
});

describe('a server without memory', () => {
  test('that has no group is no server that has it', async () => {
    await side.add(1);
    await withoutMemory();
    const consumer = side.consumer(OPTIONS);
    const errors = errorsOf(consumer);
    const first = take(consumer, 1);
    await expect.poll(() => errors.some(({ message }) => message.includes('OOM'))).toBe(true);
    await expect.poll(() => consumer.health.healthy).toBe(false);
    await withMemory();
    expect((await first)[0]?.fields).toEqual({ n: '0' });
  });

  test('that has the group is read from', async () => {
    await call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
    await side.add(1);
    await withoutMemory();
    const [job] = await take(side.consumer(OPTIONS), 1);
    await job?.ack();
  });
});

describe('an entry of very many fields', () => {
  test.each([3_949, 3_950, 3_951, 4_100, 20_000])(
    'that fails is tried again, and is a dead letter: %i',
    async (fields) => {
      await large(fields);
      const consumer = side.consumer({ ...OPTIONS, maxAttempts: 3 });
      for (let attempt = 1; attempt <= 3; attempt++) {
        const [job] = await take(consumer, 1);
        expect(job?.attempt).toBe(attempt);
        expect(Object.keys(job?.fields ?? {})).toHaveLength(fields);
        await job?.fail(new Error(`no ${attempt}`), { retryAfterMs: 0 });
      }
      const [[, words]] = await call('XRANGE', '{jobs}:dead', '-', '+');
      const packed = words.indexOf('sideloop:fields');
      expect(packed === -1).toBe(fields <= 3_950);
      if (packed !== -1) {
        const count = "return #cmsgpack.unpack(redis.call('XRANGE', KEYS[1], '-', '+')[1][2][2])";
        expect(await call('EVAL', count, 1, '{jobs}:dead')).toBe(2 * fields);
      } else {
        expect(words).toHaveLength(2 * fields + 2);
      }
      const { attempt, history } = await metaOf('{jobs}:dead');
      expect(attempt).toBe(3);
      expect(history.map(({ error }: { error: string }) => error)).toEqual(
        [1, 2, 3].map((n) => `Error: no ${n}`),
      );
      expect(await side.pendingCount()).toBe(0);
      expect(consumer.stats()).toMatchObject({ retried: 2, dead: 1, lost: 0 });
    },
  );

  test("whose processes die is a dead letter too, and stands in nobody's way", async () => {
    await call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
    await large(4_100);
    await side.add(1);
    await call('XREADGROUP', 'GROUP', 'g', 'the dead', 'STREAMS', 'jobs', '>');
    const consumer = side.consumer({ ...OPTIONS, maxAttempts: 1, concurrency: 2 });
    take(consumer, 1).catch(() => {});
    await expect.poll(() => consumer.stats().dead, { timeout: 10_000 }).toBe(2);
    expect(await side.pendingCount()).toBe(0);
  });

  test('that fails with a delay comes back after it', async () => {
    await large(4_100);
    const consumer = side.consumer(OPTIONS);
    const [job] = await take(consumer, 1);
    await job?.fail('later', { retryAfterMs: 200 });
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(2);
    await again?.ack();
  });
});

describe('metadata that anybody could write', () => {
  test.each([
    ['an endless attempt', '{"attempt":1e999}', 1],
    [
      'an endless time in the history',
      '{"id":"a","attempt":1,"history":[{"at":1e999,"attempt":1}]}',
      2,
    ],
    ['ids that are none', '{"id":{"a":[1e999]},"attempt":"x"}', 1],
    ['an attempt below zero', '{"attempt":-1e15}', 1],
    ['half an attempt', '{"attempt":1.5}', 1],
    ['a history that is none', '{"history":7,"attempt":2}', 3],
    ['lines that are none', '{"history":[1,"x",[],{"error":{},"consumer":1e999}]}', 1],
    ['a history that is a sparse map', '{"history":{"1":1,"9999999":2}}', 1],
    ['no JSON', '{', 1],
    ['a number', '1e999', 1],
  ])('keeps no job from being tried again and put away: %s', async (_, meta, attempt) => {
    await call('XADD', 'jobs', '*', 'n', '0', 'sideloop', meta);
    const consumer = side.consumer({ ...OPTIONS, maxAttempts: attempt + 1 });
    const [job] = await take(consumer, 1);
    expect(job?.attempt).toBe(attempt);
    await job?.fail('no', { retryAfterMs: 0 });
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(attempt + 1);
    await again?.fail('no');
    expect((await metaOf('{jobs}:dead')).attempt).toBe(attempt + 1);
  });
});

describe('a key beside the stream of the wrong type', () => {
  test('that of delayed jobs: a job is tried again in place', async () => {
    await call('SET', '{jobs}:delayed', 'no set');
    await side.add(1);
    const consumer = side.consumer(OPTIONS);
    const errors = errorsOf(consumer);
    const [job] = await take(consumer, 1);
    await job?.fail('no', { retryAfterMs: 100 });
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(2);
    await again?.ack();
    expect(errors.map(({ code }) => code)).toContain('ERR_SIDELOOP_REDIS_WRONGTYPE');
  });

  test('that of the history: jobs are acked, tried again and recovered', async () => {
    await call('SET', '{jobs}:g:history', 'no hash');
    await call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
    await side.add(2);
    await call('XREADGROUP', 'GROUP', 'g', 'the dead', 'STREAMS', 'jobs', '>');
    const consumer = side.consumer({ ...OPTIONS, concurrency: 2 });
    const jobs = await take(consumer, 2);
    expect(jobs.map(({ attempt }) => attempt)).toEqual([2, 2]);
    await jobs[0]?.ack();
    await jobs[1]?.fail('no', { retryAfterMs: 0 });
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(3);
    await again?.ack();
    expect(await side.pendingCount()).toBe(0);
  });

  test('that of dead letters: the others are recovered', async () => {
    await call('SET', '{jobs}:dead', 'no stream');
    await call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
    const [bad, good] = (await side.add(2)) as [string, string];
    await call('XREADGROUP', 'GROUP', 'g', 'the dead', 'STREAMS', 'jobs', '>');
    await call('XCLAIM', 'jobs', 'g', 'the dead', 0, bad, 'RETRYCOUNT', 9, 'JUSTID');
    const consumer = side.consumer({ ...OPTIONS, concurrency: 2 });
    const [job] = await take(consumer, 1);
    expect(job?.id).toBe(good);
    await job?.ack();
  });
});

test('the script of failures says what happened, and asks again where the server has no memory', async () => {
  await call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM');
  const [id] = (await side.add(1)) as [string];
  await call('XREADGROUP', 'GROUP', 'g', 'me', 'STREAMS', 'jobs', '>');
  const fail = (deliveries: number) =>
    call(
      'EVAL',
      SCRIPTS.fail,
      5,
      'jobs',
      '{jobs}:g:history',
      '{jobs}:dead',
      '{jobs}:delayed',
      'jobs',
      'g',
      'me',
      0,
      id,
      deliveries,
      5,
      0,
      'no',
      0,
      400,
    );
  expect(await fail(2)).toEqual([0, '']);
  await withoutMemory();
  await expect(fail(1)).rejects.toThrow(/^OOM /);
  await withMemory();
  expect(await side.pendingCount()).toBe(1);
  expect(await fail(1)).toEqual([1, '']);
  expect(await fail(1)).toEqual([-1, '']);
});

describe('what stays the same is told once, by name:', () => {
  const DELAYED = { delayMs: 1, priority: 'low' };
  test.each<[string, string, () => Promise<unknown>]>([
    ['the delayed jobs', '{jobs}:delayed', async () => {}],
    ['the history', '{jobs}:g:history', async () => {}],
    ['the dead letters', '{jobs}:dead', async () => {}],
    ['a level', '{jobs}:low', async () => {}],
    ['the most urgent level', '{jobs}:high', async () => {}],
    [
      'the level of a delayed job',
      '{jobs}:low',
      async () => {
        const producer = new Producer(side.redis, { stream: 'jobs', priorities: ['high', 'low'] });
        await producer.add({ n: 'late' }, DELAYED);
      },
    ],
  ])('%s', async (_, key, before) => {
    await call('SET', key, 'of the wrong type');
    await before();
    const priorities = ['high', 'low'];
    const consumer = side.consumer({ ...OPTIONS, priorities, maxAttempts: 2 });
    const errors = errorsOf(consumer);
    consumer.on('dead', () => {});
    consumer.run(({ fields }) => {
      if (fields.n === 'bad') throw new Error('on purpose');
    });
    const streams = priorities.map((level) => `{jobs}:${level}`).filter((one) => one !== key);
    for (const stream of streams) await call('XADD', stream, '*', 'n', 'bad');
    const calls = await side.calls('eval');
    await expect.poll(() => side.calls('eval'), { timeout: 10_000 }).toBeGreaterThan(calls + 40);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^WRONGTYPE .*\\(of the key ${key}\\)$`)),
    ]);
  });
});
