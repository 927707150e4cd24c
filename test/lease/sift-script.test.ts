// The script that says of entries which a read has taken over what becomes of them, at a real server. A failure here means
// that a job which kills its consumers is tried for ever, that one is put away too early, or that another's is touched.

import { beforeEach, describe, expect, test } from 'vitest';
import { SCRIPTS } from './consumer-scripts.js';
import { ConsumerSide } from './consumer-side.js';

const side = new ConsumerSide();
const HISTORY = '{jobs}:g:history';
const call = (...args: (string | number)[]) => side.redis.call(...(args as [string]));

beforeEach(() => call('XGROUP', 'CREATE', 'jobs', 'g', '0', 'MKSTREAM'));

/** Gives all new entries to a consumer, as its `deliveries`th delivery. Resolves with their ids. */
async function deliver(deliveries = 1, owner = 'me'): Promise<string[]> {
  const read = await call('XREADGROUP', 'GROUP', 'g', owner, 'STREAMS', 'jobs', '>');
  const rows = (Array.isArray(read) ? read[0][1] : read.jobs) as [string][];
  const ids = rows.map(([id]) => id);
  for (const id of ids) {
    await call(
      'XCLAIM',
      'jobs',
      'g',
      owner,
      0,
      id,
      'IDLE',
      5000,
      'RETRYCOUNT',
      deliveries,
      'JUSTID',
    );
  }
  return ids;
}

async function sift(ids: [string, number][], { most = 3, remove = 0 } = {}) {
  const keys = ['jobs', HISTORY, '{jobs}:dead'];
  return call('EVAL', SCRIPTS.sift, 3, ...keys, 'g', 'me', remove, most, ...ids.flat());
}

const historyOf = async (id: string) =>
  JSON.parse((await call('HGET', HISTORY, `${id}@jobs`)) ?? 'null');

const metaOf = async (stream: string) => {
  const rows = (await call('XRANGE', stream, '-', '+')) as [string, string[]][];
  return rows.map(([, words]) => [words.slice(0, -2), JSON.parse(words.at(-1) as string)]);
};

describe('the sift', () => {
  test('renews what is ours, and writes down what became of the delivery before', async () => {
    await side.add(1);
    const [id] = (await deliver(2)) as [string];
    expect(await sift([[id, 2]])).toEqual([[1], '']);
    const [row] = await side.pending();
    expect(row).toMatchObject([id, 'me', expect.any(Number), 2]);
    expect(row?.[2]).toBeLessThan(5000);
    expect(await historyOf(id)).toEqual([
      { attempt: 1, at: expect.any(Number), error: 'its lease ran out' },
    ]);
  });

  test('says the same when it is asked again', async () => {
    await side.add(1);
    const [id] = (await deliver(2)) as [string];
    await sift([[id, 2]]);
    const history = await historyOf(id);
    expect(await sift([[id, 2]])).toEqual([[1], '']);
    expect(await historyOf(id)).toEqual(history);
    await call('XCLAIM', 'jobs', 'g', 'me', 0, id);
    expect(await sift([[id, 3]])).toEqual([[1], '']);
    expect((await historyOf(id)).map((line: { attempt: number }) => line.attempt)).toEqual([1, 2]);
  });

  test('touches nothing that is not ours', async () => {
    await side.add(3);
    const [other, again, acked] = (await deliver(4)) as [string, string, string];
    await call('XCLAIM', 'jobs', 'g', 'other', 0, other, 'IDLE', 7000, 'JUSTID');
    await call('XACK', 'jobs', 'g', acked);
    const ids: [string, number][] = [
      [other, 4],
      [again, 3],
      [acked, 4],
    ];
    expect(await sift(ids)).toEqual([[0, 0, 0], '']);
    expect(await side.pending()).toMatchObject([
      [other, 'other', expect.any(Number), 4],
      [again, 'me', expect.any(Number), 4],
    ]);
    for (const [, , idle] of await side.pending()) expect(idle).toBeGreaterThanOrEqual(5000);
    expect(await call('EXISTS', HISTORY, '{jobs}:dead')).toBe(0);
  });

  test('makes a dead letter of what was tried too often, with its history', async () => {
    const earlier = { attempt: 1, consumer: 'a', at: 1, error: 'no' };
    const meta = JSON.stringify({ id: '1-1', attempt: 1, history: [earlier] });
    await call('XADD', 'jobs', '*', 'n', '0', 'sideloop', meta);
    const [id] = (await deliver(2)) as [string];
    expect(await sift([[id, 2]])).toEqual([[1], '']);
    await call('XCLAIM', 'jobs', 'g', 'me', 0, id);
    expect(await sift([[id, 3]])).toEqual([[2], '']);
    const at = expect.any(Number);
    const history = [
      earlier,
      { attempt: 2, at, error: 'its lease ran out' },
      { attempt: 3, at, error: 'its lease ran out' },
    ];
    expect(await metaOf('{jobs}:dead')).toEqual([[['n', '0'], { id: '1-1', attempt: 3, history }]]);
    expect(await side.pendingCount()).toBe(0);
    expect(await historyOf(id)).toBeNull();
    expect(await call('XLEN', 'jobs')).toBe(1);
    // Asked again it is nobody's.
    expect(await sift([[id, 3]])).toEqual([[0], '']);
    expect(await call('XLEN', '{jobs}:dead')).toBe(1);
  });

  test('deletes dead letters from the stream, if asked to', async () => {
    await side.add(2);
    const [dead, alive] = (await deliver(4)) as [string, string];
    await call('XCLAIM', 'jobs', 'g', 'me', 0, alive, 'RETRYCOUNT', 3, 'JUSTID');
    const ids: [string, number][] = [
      [dead, 4],
      [alive, 3],
    ];
    expect(await sift(ids, { remove: 1 })).toEqual([[2, 1], '']);
    expect(await call('XRANGE', 'jobs', '-', '+')).toEqual([[alive, ['n', '1']]]);
  });

  test('keeps pending what can not be put away, and says why', async () => {
    await side.add(2);
    const [dead, alive] = (await deliver(4)) as [string, string];
    await call('XCLAIM', 'jobs', 'g', 'me', 0, alive, 'RETRYCOUNT', 2, 'JUSTID');
    await call('SET', '{jobs}:dead', 'a string');
    const ids: [string, number][] = [
      [dead, 4],
      [alive, 2],
    ];
    const [results, complaint] = await sift(ids);
    expect(results).toEqual([0, 1]);
    expect(complaint).toMatch(/^WRONGTYPE/);
    expect(await side.pendingCount()).toBe(2);
  });

  test('has no say about markers', async () => {
    await call('XADD', 'jobs', '*', 'sideloop', 'wake');
    const [id] = (await deliver(9)) as [string];
    expect(await sift([[id, 9]])).toEqual([[1], '']);
    expect(await call('EXISTS', HISTORY, '{jobs}:dead')).toBe(0);
  });

  test('forgets what is not in the stream any more', async () => {
    await side.add(1);
    const [id] = (await deliver(2)) as [string];
    await call('HSET', HISTORY, `${id}@jobs`, '[]');
    await call('XDEL', 'jobs', id);
    expect(await sift([[id, 2]])).toEqual([[0], '']);
    expect(await side.pendingCount()).toBe(0);
    expect(await historyOf(id)).toBeNull();
  });

  test('says of a group that is gone that nothing is ours', async () => {
    await call('DEL', 'jobs');
    expect(await sift([['1-0', 2]])).toEqual([[0], '']);
  });

  test('does its work where the server has no memory left', async () => {
    await side.add(1);
    const [id] = (await deliver(2)) as [string];
    await call('CONFIG', 'SET', 'maxmemory', '1');
    expect(await sift([[id, 2]])).toEqual([[1], '']);
    await call('CONFIG', 'SET', 'maxmemory', '0');
    expect(await historyOf(id)).toHaveLength(1);
  });
});
