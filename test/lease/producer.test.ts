// Adding jobs at once: what arrives, where, and what is refused. A failure here means a job that is lost, changed or in the
// wrong stream.

import { describe, expect, test } from 'vitest';
import {
  AddManyError,
  type NewJob,
  Producer,
  type ProducerOptions,
} from '../../lib/lease/index.js';
import type { Redis } from '../../lib/redis/index.js';
import { FakeServer } from '../redis/fake-server.js';
import { thrownBy } from '../thrown-by.js';
import { useQueue } from './queue.js';

const { state, client, entries } = useQueue();
const producer = (options: Partial<ProducerOptions> = {}) =>
  new Producer(state.redis, { stream: 'jobs', ...options });

describe('add', () => {
  test('adds an entry of the fields given', async () => {
    await using jobs = producer();
    const added = await jobs.add({ text: 'a\r\nä', number: 1.5, bytes: Buffer.from('b'), '': '' });
    expect(added).toEqual({ id: expect.stringMatching(/^\d+-\d+$/), duplicate: false });
    expect(await entries('jobs')).toEqual([
      { id: added.id, fields: { text: 'a\r\nä', number: '1.5', bytes: 'b', '': '' } },
    ]);
    expect(jobs.stats()).toEqual({ pending: 0, waiting: 0, added: 1, duplicates: 0, repeats: 0 });
  });

  test('leaves bytes as they are, and does not wait for the caller to stop using them', async () => {
    await using jobs = producer({ maxBacklog: 10, maxPending: 1 });
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    const adds = [jobs.add({ bytes }), jobs.add({ bytes }), jobs.add({ bytes })];
    bytes.fill(1);
    await Promise.all(adds);
    const rows = await state.redis.callBuffer('XRANGE', 'jobs', '-', '+');
    const values = rows.map((row: [unknown, Buffer[]]) => [...(row[1][1] as Buffer)]);
    expect(values).toEqual(Array(3).fill([0, 255, 13, 10, 128]));
  });

  test('keeps the order of the calls, scripts among them', async () => {
    await using jobs = producer();
    await using bounded = producer({ maxBacklog: 10_000 });
    const ids = Array.from({ length: 600 }, (_, n) => {
      const options = n % 3 === 0 ? { idempotencyKey: `${n}` } : {};
      return (n % 2 === 0 ? jobs : bounded).add({ n }, options);
    });
    await Promise.all(ids);
    expect((await entries('jobs')).map(({ fields }) => Number(fields.n))).toEqual(
      ids.map((_, n) => n),
    );
  });

  test('goes on after the server has forgotten its scripts', async () => {
    await using jobs = producer({ maxBacklog: 10 });
    await jobs.add({ n: 1 });
    await state.redis.script('FLUSH');
    await jobs.add({ n: 2 });
    await jobs.add({ n: 3 });
    expect(await entries('jobs')).toHaveLength(3);
  });

  test('puts a job into the stream of its priority, the last without one', async () => {
    await using jobs = producer({ priorities: ['high', 'low'] });
    await jobs.add({ n: 1 }, { priority: 'high' });
    await jobs.add({ n: 2 });
    expect(await entries('{jobs}:high')).toMatchObject([{ fields: { n: '1' } }]);
    expect(await entries('{jobs}:low')).toMatchObject([{ fields: { n: '2' } }]);
  });

  test.each([
    [{}, {}],
    [{ sideloop: '1' }, {}],
    [{ a: Number.NaN }, {}],
    [{ a: undefined }, {}],
    [{ a: null }, {}],
    [{ a: { b: 1 } }, {}],
    [{ a: true }, {}],
    [null, {}],
    [Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [i, i])), {}],
    [{ a: 1 }, null],
    [{ a: 1 }, { idempotencyKey: '' }],
    [{ a: 1 }, { idempotencyKey: 7 }],
    [{ a: 1 }, { priority: 'high' }],
    [{ a: 1 }, { partitionKey: 'k' }],
    [{ a: 1 }, { delayMs: -1 }],
    [{ a: 1 }, { delayMs: 1.5 }],
    [{ a: 1 }, { delayMs: 4e12 }],
    [{ a: 1 }, { at: new Date(Number.NaN) }],
    [{ a: 1 }, { at: '2030-01-01' }],
    [{ a: 1 }, { at: null }],
    [{ a: 1 }, { at: Number.POSITIVE_INFINITY }],
    [{ a: 1 }, { at: 1, delayMs: 1 }],
    [{ a: 1 }, { signal: {} }],
  ])('refuses %j with %j, and changes nothing', async (fields, options) => {
    await using jobs = producer();
    await expect(jobs.add(fields as never, options as never)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      name: 'SideloopTypeError',
    });
    if (options !== null) {
      const many = [{ fields: { a: 1 } }, { ...(options as object), fields }] as NewJob[];
      await expect(jobs.addMany(many)).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    }
    expect(await state.redis.call('DBSIZE')).toBe(0);
  });

  test.each([[null], [7], [{}]])('of many refuses %j', async (job) => {
    await using jobs = producer();
    await expect(jobs.addMany([{ fields: { a: 1 } }, job as never])).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
    expect(await state.redis.call('DBSIZE')).toBe(0);
  });

  test('refuses a priority that the producer does not have', async () => {
    await using jobs = producer({ priorities: ['high', 'low'] });
    await expect(jobs.add({ a: 1 }, { priority: 'none' })).rejects.toThrow('one of high, low');
  });

  test("rejects with the server's error", async () => {
    await state.redis.set('jobs', 'no stream');
    await using jobs = producer();
    await using bounded = producer({ maxBacklog: 5 });
    for (const add of [jobs.add({ a: 1 }), bounded.add({ a: 1 }, { idempotencyKey: 'k' })]) {
      await expect(add).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
    }
    await state.redis.del('jobs');
    expect(await bounded.add({ a: 1 }, { idempotencyKey: 'k' })).toMatchObject({
      duplicate: false,
    });
  });
});

describe('addMany', () => {
  test('adds all in order', async () => {
    await using jobs = producer();
    const list = Array.from({ length: 500 }, (_, n) => ({ fields: { n } }));
    const added = await jobs.addMany(list);
    expect(await entries('jobs')).toEqual(
      added.map(({ id }, n) => ({ id, fields: { n: `${n}` } })),
    );
  });

  test('tells which were added and which were not', async () => {
    await using jobs = producer({ maxBacklog: 2 });
    const list: NewJob[] = [1, 2, 3].map((n) => ({ fields: { n } }));
    const error = await jobs.addMany(list).catch((e) => e);
    expect(error).toBeInstanceOf(AddManyError);
    expect(error).toMatchObject({
      code: 'ERR_SIDELOOP_ADD_MANY',
      cause: { code: 'ERR_SIDELOOP_BACKLOG_FULL' },
    });
    expect(error.results.map((r: PromiseSettledResult<unknown>) => r.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });
});

describe('partitions', () => {
  const partitions = ['a', 'b', 'c', 'd'];

  test('are chosen by the CRC-32 of the key', async () => {
    await using jobs = producer({ partitions });
    // Worked out by Python's zlib.crc32: the places must not change between versions.
    const places = { 'user:1': 'c', 'user:2': 'a', ä: 'd', '123456789': 'c' };
    for (const [partitionKey, partition] of Object.entries(places)) {
      expect(await jobs.add({ n: 1 }, { partitionKey }), partitionKey).toMatchObject({ partition });
    }
  });

  test('of many keys are evenly filled', async () => {
    await using jobs = producer({ partitions });
    for (const name of ['user:', 'order-000']) {
      const counts = new Map<string, number>();
      const added = await jobs.addMany(
        Array.from({ length: 4000 }, (_, n) => ({ fields: { n }, partitionKey: `${name}${n}` })),
      );
      for (const { partition = '' } of added) {
        counts.set(partition, (counts.get(partition) ?? 0) + 1);
      }
      for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
      expect(counts.size).toBe(4);
    }
  });

  test('without a key take turns', async () => {
    await using jobs = producer({ partitions });
    const added = await jobs.addMany(Array.from({ length: 8 }, (_, n) => ({ fields: { n } })));
    expect(added.map(({ partition }) => partition)).toEqual([...partitions, ...partitions]);
    expect(await entries('jobs:{b}')).toHaveLength(2);
  });

  test('may be on servers of their own', async () => {
    const clients = new Map<string, Redis>();
    const jobs = new Producer(
      (partition) => {
        const redis = client({ db: partitions.indexOf(partition) });
        clients.set(partition, redis);
        return redis;
      },
      { stream: 'jobs', partitions },
    );
    await jobs.addMany(Array.from({ length: 8 }, (_, n) => ({ fields: { n } })));
    expect([...clients.keys()]).toEqual(partitions);
    for (const [name, redis] of clients) {
      expect(await redis.call('XLEN', `jobs:{${name}}`)).toBe(2);
      expect(await redis.call('DBSIZE')).toBe(1);
    }
    await jobs.close();
  });
});

describe('trimming', () => {
  test('keeps so many entries', async () => {
    await using jobs = producer({ trim: { maxLength: 3, exact: true } });
    await using bounded = producer({ trim: { maxLength: 3, exact: true }, maxBacklog: 100 });
    for (let n = 0; n < 5; n++) await jobs.add({ n });
    expect((await entries('jobs')).map(({ fields }) => fields.n)).toEqual(['2', '3', '4']);
    await bounded.add({ n: 5 });
    expect((await entries('jobs')).map(({ fields }) => fields.n)).toEqual(['3', '4', '5']);
  });

  test('removes none by default unless a whole node of the stream can go', async () => {
    await using jobs = producer({ trim: { maxLength: 3 } });
    for (let n = 0; n < 50; n++) await jobs.add({ n });
    expect(await entries('jobs')).toHaveLength(50);
  });

  test('keeps what is younger than its age', async () => {
    const [seconds] = await state.redis.call('TIME');
    const old = `${Number(seconds) * 1000 - 120_000}-0`;
    const young = `${Number(seconds) * 1000 - 20_000}-0`;
    for (const id of [old, young]) await state.redis.call('XADD', 'jobs', id, 'n', '1');
    await using jobs = producer({ trim: { minAgeMs: 60_000, exact: true } });
    const { id } = await jobs.add({ n: 2 });
    expect((await entries('jobs')).map((entry) => entry.id)).toEqual([young, id]);
  });
});

describe('a producer', () => {
  test.each<[Partial<ProducerOptions>]>([
    [{ stream: '' }],
    [{ stream: 'a}b' }],
    [{ priorities: [] }],
    [{ priorities: 5 as never }],
    [{ partitions: 'ab' as never }],
    [{ partitions: [5 as never] }],
    [{ priorities: ['dead'] }],
    [{ partitions: [] }],
    [{ partitions: ['a', 'a'] }],
    [{ partitions: ['{a}'] }],
    [{ dedupeMs: 0 }],
    [{ maxPending: 0 }],
    [{ maxPending: 1.5 }],
    [{ maxBacklog: 0 }],
    [{ maxBacklog: -1 }],
    [{ trim: { maxLength: 0 } }],
    [{ trim: { minAgeMs: -1 } }],
    [{ trim: { maxLength: 1, minAgeMs: 1 } }],
  ])('refuses %j', (options) => {
    expect(thrownBy(() => producer(options))).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
  });

  test('refuses what is no client', () => {
    const make = (redis: unknown, partitions?: string[]) =>
      thrownBy(() => new Producer(redis as Redis, { stream: 'jobs', partitions }));
    for (const error of [make({}), make(() => state.redis), make(() => ({}), ['a'])]) {
      expect(error).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
    }
  });

  test('that is closed waits for what is under way, and takes no more', async () => {
    const jobs = producer({ maxPending: 2 });
    const adds = Array.from({ length: 50 }, (_, n) => jobs.add({ n }));
    const closed = jobs.close();
    await expect(jobs.add({ n: 50 })).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_PRODUCER_CLOSED',
    });
    await expect(jobs.cancel('1-1-a')).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_PRODUCER_CLOSED',
    });
    await closed;
    expect(jobs.stats()).toMatchObject({ pending: 0, waiting: 0, added: 50 });
    expect(await Promise.all(adds)).toHaveLength(50);
    await jobs.close();
    expect(state.redis.status).toBe('ready');
  });

  test('whose client closes settles everything', async () => {
    await using server = await FakeServer.start();
    const redis = client({ port: server.port });
    const jobs = new Producer(redis, { stream: 'jobs', maxPending: 2 });
    const adds = Array.from({ length: 10 }, (_, n) => jobs.add({ n }, { idempotencyKey: `${n}` }));
    await server.received('EVAL');
    redis.disconnect();
    for (const result of await Promise.allSettled(adds)) {
      expect(result).toMatchObject({ reason: { code: 'ERR_SIDELOOP_REDIS_CLOSED' } });
    }
    await jobs.close();
  });
});
