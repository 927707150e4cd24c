// Jobs that are due later. A failure here means one that runs early, never, or after it was cancelled.

import { expect, test } from 'vitest';
import { Producer, type ProducerOptions } from '../../lib/lease/index.js';
import { useQueue, WAKE } from './queue.js';

const { state, client, entries, move } = useQueue();
const producer = (options: Partial<ProducerOptions> = {}) =>
  new Producer(state.redis, { stream: 'jobs', ...options });
const DELAYED = '{jobs}:delayed';

async function serverNow(): Promise<number> {
  const [seconds, micros] = await state.redis.call('TIME');
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** The jobs of the stream, without the markers that wake consumers. */
async function jobsOf(stream: string) {
  return (await entries(stream)).filter(({ fields }) => fields.sideloop !== WAKE.sideloop);
}

test('a delayed job waits beside the stream, and is moved into it when it is due', async () => {
  await using jobs = producer();
  const before = await serverNow();
  const bytes = Buffer.from([0, 255, 10]);
  const { id } = await jobs.add({ n: 1, text: 'ä', bytes }, { delayMs: 50 });
  const due = Number(id.split('-')[0]);
  expect(due).toBeGreaterThanOrEqual(before + 50);
  expect(due).toBeLessThanOrEqual((await serverNow()) + 50);
  expect(await jobsOf('jobs')).toEqual([]);
  await expect.poll(() => move(DELAYED, ['jobs']), { interval: 5 }).toEqual([1, -1, 0, '']);
  const [entry] = await jobsOf('jobs');
  expect(Number(entry?.id.split('-')[0])).toBeGreaterThanOrEqual(due);
  expect(entry?.fields).toMatchObject({ n: '1', text: 'ä' });
  const meta = JSON.parse(entry?.fields.sideloop as string);
  expect(meta).toEqual({ id, attempt: 0, history: [] });
  const rows = await state.redis.callBuffer('XREVRANGE', 'jobs', '+', '-', 'COUNT', 1);
  expect(rows[0][1][5]).toEqual(bytes);
});

test('a scheduled job is due at its time, by the clock of the server', async () => {
  await using jobs = producer({ priorities: ['high', 'low'] });
  const at = (await serverNow()) + 60_000;
  const { id } = await jobs.add({ n: 1 }, { at: new Date(at), priority: 'low' });
  expect(id.split('-')[0]).toBe(`${at}`);
  const [moved, next] = await move(DELAYED, ['{jobs}:high', '{jobs}:low']);
  expect(moved).toBe(0);
  expect(next).toBeGreaterThan(50_000);
  await jobs.add({ n: 2 }, { at: 1_000_000.5, priority: 'low' });
  expect(await move(DELAYED, ['{jobs}:high', '{jobs}:low'])).toMatchObject({ 0: 1 });
  expect(await entries('{jobs}:low')).toMatchObject([{ fields: { n: '2' } }]);
});

test('a job that is the first to come due wakes a consumer, and no other does', async () => {
  await using jobs = producer({ priorities: ['high', 'low'] });
  const markers = async () => (await entries('{jobs}:high')).map(({ fields }) => fields);
  await jobs.add({ n: 1 }, { delayMs: 60_000 });
  expect(await markers()).toEqual([WAKE]);
  await jobs.add({ n: 2 }, { delayMs: 120_000 });
  expect(await markers()).toEqual([WAKE]);
  // Whoever gets the marker deletes it, and looks then.
  await jobs.add({ n: 3 }, { delayMs: 30_000 });
  expect(await markers()).toEqual([WAKE]);
  await state.redis.call('XTRIM', '{jobs}:high', 'MAXLEN', 0);
  await jobs.add({ n: 4 }, { delayMs: 15_000 });
  expect(await markers()).toEqual([WAKE]);
  // A job that is behind it says that the marker may be in somebody's hands already.
  await jobs.add({ n: 5 }, { priority: 'high' });
  await jobs.add({ n: 6 }, { delayMs: 7_000 });
  expect(await markers()).toEqual([WAKE, { n: '5' }, WAKE]);
  expect(await entries('{jobs}:low')).toEqual([]);
});

test('markers do not become many while no consumer runs', async () => {
  await using jobs = producer({ maxBacklog: 5 });
  for (let i = 0; i < 200; i++) {
    const { id } = await jobs.add({ n: i }, { delayMs: 60_000 });
    await jobs.cancel(id);
  }
  expect(await entries('jobs')).toMatchObject([{ fields: WAKE }]);
  await jobs.add({ n: 1 });
});

test('a delay of 0 is none', async () => {
  await using jobs = producer();
  await jobs.add({ n: 1 }, { delayMs: 0 });
  expect(await entries('jobs')).toMatchObject([{ fields: { n: '1' } }]);
});

test('jobs of one ms are moved in the order of their adds', async () => {
  await using jobs = producer();
  const at = (await serverNow()) - 1;
  await jobs.addMany(Array.from({ length: 300 }, (_, n) => ({ fields: { n }, at })));
  expect(await move(DELAYED, ['jobs'], 1000)).toEqual([300, -1, 0, '']);
  const order = (await jobsOf('jobs')).map(({ fields }) => Number(fields.n));
  expect(order).toEqual(order.map((_, n) => n));
});

test('a delayed job has its idempotency key', async () => {
  await using jobs = producer();
  const options = { idempotencyKey: 'k', delayMs: 60_000 };
  const first = await jobs.add({ n: 1 }, options);
  expect(first.duplicate).toBe(false);
  expect(await jobs.add({ n: 1 }, options)).toEqual({ id: first.id, duplicate: true });
  expect(await jobs.add({ n: 1 }, { idempotencyKey: 'k' })).toEqual({
    id: first.id,
    duplicate: true,
  });
  expect(await state.redis.call('ZCARD', DELAYED)).toBe(1);
});

test('where the stream takes no marker, nothing is added', async () => {
  await state.redis.set('jobs', 'no stream');
  await using jobs = producer();
  await expect(jobs.add({ n: 1 }, { delayMs: 50, idempotencyKey: 'k' })).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_WRONGTYPE',
  });
  expect(await state.redis.call('KEYS', '*')).toEqual(['jobs']);
});

test('a cancelled job is gone, once', async () => {
  await using jobs = producer();
  const at = (await serverNow()) + 60_000;
  const many = await jobs.addMany(Array.from({ length: 40 }, (_, n) => ({ fields: { n }, at })));
  const other = await jobs.add({ n: 41 }, { at: at + 1 });
  for (const { id } of many.filter((_, n) => n % 3 !== 1)) {
    expect(await jobs.cancel(id)).toBe(true);
    expect(await jobs.cancel(id)).toBe(false);
  }
  expect(await state.redis.call('ZCARD', DELAYED)).toBe(14);
  expect(await jobs.cancel(other.id)).toBe(true);
});

test('what is no delayed job is not cancelled', async () => {
  await using jobs = producer();
  const { id } = await jobs.add({ n: 1 });
  expect(await jobs.cancel(id)).toBe(false);
  expect(await jobs.cancel(`${(await serverNow()) + 1000}-00000000001-000000000000`)).toBe(false);
  expect(await jobs.cancel('')).toBe(false);
  await expect(jobs.cancel(7 as never)).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
  await expect(jobs.cancel(id, 'a')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
});

test('a job is cancelled in whatever partition it is', async () => {
  await using jobs = producer({ partitions: ['a', 'b', 'c'] });
  const list = Array.from({ length: 6 }, (_, n) => ({ fields: { n }, delayMs: 60_000 }));
  const added = await jobs.addMany(list);
  const [first, second, ...rest] = added;
  expect(await jobs.cancel(first?.id as string, 'b')).toBe(false);
  expect(await jobs.cancel(first?.id as string, 'a')).toBe(true);
  expect(await jobs.cancel(second?.id as string, second?.partition)).toBe(true);
  for (const { id } of rest) expect(await jobs.cancel(id)).toBe(true);
  await expect(jobs.cancel('x', 'd')).rejects.toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
});

test('a job that was cancelled is so although another partition can not be asked', async () => {
  const gone = client();
  gone.disconnect();
  const jobs = new Producer((partition) => (partition === 'a' ? gone : state.redis), {
    stream: 'jobs',
    partitions: ['a', 'b'],
  });
  await expect(jobs.add({ n: 1 }, { delayMs: 60_000 })).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_REDIS_CLOSED',
  });
  const { id, partition } = await jobs.add({ n: 2 }, { delayMs: 60_000 });
  expect(partition).toBe('b');
  expect(await jobs.cancel(id)).toBe(true);
  await expect(jobs.cancel(id)).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
  await jobs.close();
});

test('a job may have as many fields as are allowed', async () => {
  await using jobs = producer({ maxBacklog: 10 });
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, i]));
  const wanted = Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, `${v}`]));
  await jobs.add(fields);
  await jobs.add(fields, { at: 1 });
  expect(await move(DELAYED, ['jobs'])).toEqual([1, -1, 0, '']);
  const [first, second] = await jobsOf('jobs');
  expect(first?.fields).toEqual(wanted);
  expect(second?.fields).toMatchObject(wanted);
});

test('of a cancel and a move that race, one gets the job', async () => {
  await using jobs = producer();
  let cancelled = 0;
  let moved = 0;
  for (let round = 0; round < 20; round++) {
    const at = (await serverNow()) + 2;
    const added = await jobs.addMany(
      Array.from({ length: 50 }, (_, n) => ({ fields: { n }, at: at + (n % 10) })),
    );
    await state.redis.del('jobs');
    const moves = Array.from({ length: 30 }, () => move(DELAYED, ['jobs'], 3));
    const outcomes = await Promise.all(
      added.map(async ({ id }, n) => {
        // Some cancels are sent before, some while the jobs come due.
        if (n % 2 === 0) await state.redis.ping();
        if (n % 4 === 0) await move(DELAYED, ['jobs'], 3);
        return jobs.cancel(id);
      }),
    );
    await Promise.all(moves);
    while ((await state.redis.call('ZCARD', DELAYED)) > 0) await move(DELAYED, ['jobs']);
    const ids = (await entries('jobs')).map(
      ({ fields }) => JSON.parse(fields.sideloop as string).id,
    );
    const taken = added.filter((_, n) => outcomes[n]).map(({ id }) => id);
    expect([...ids, ...taken].sort()).toEqual(added.map(({ id }) => id).sort());
    cancelled += taken.length;
    moved += ids.length;
  }
  // Else nothing raced.
  expect(cancelled).toBeGreaterThan(0);
  expect(moved).toBeGreaterThan(0);
});
