// How much a producer takes. A failure here means memory without bound, a stream without bound, an add that waits for ever or
// goes before its turn.

import { expect, test } from 'vitest';
import { Producer, type ProducerOptions } from '../../lib/lease/index.js';
import { useQueue } from './queue.js';

const { state, entries } = useQueue();
const producer = (options: Partial<ProducerOptions> = {}) =>
  new Producer(state.redis, { stream: 'jobs', ...options });

test('has no more adds under way than maxPending, and the others wait their turn', async () => {
  await using jobs = producer({ maxPending: 3 });
  let most = 0;
  const adds = Array.from({ length: 200 }, (_, n) =>
    jobs.add({ n }).finally(() => {
      most = Math.max(most, state.redis.stats().pending, jobs.stats().pending);
    }),
  );
  expect(jobs.stats()).toMatchObject({ pending: 3, waiting: 197 });
  await Promise.all(adds);
  expect(most).toBeLessThanOrEqual(3);
  expect((await entries('jobs')).map(({ fields }) => fields.n)).toEqual(adds.map((_, n) => `${n}`));
});

test('lets an add give up its turn', async () => {
  await using jobs = producer({ maxPending: 1 });
  const controllers = Array.from({ length: 6 }, () => new AbortController());
  const adds = controllers.map(({ signal }, n) => jobs.add({ n }, { signal }));
  // The first is under way: it is not taken back.
  for (const n of [0, 1, 3, 5]) controllers[n]?.abort(new Error('enough'));
  const results = await Promise.allSettled(adds);
  expect(results.map(({ status }) => status === 'fulfilled')).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  expect(results[3]).toMatchObject({
    reason: { name: 'AbortError', cause: { message: 'enough' } },
  });
  expect((await entries('jobs')).map(({ fields }) => fields.n)).toEqual(['0', '2', '4']);
  expect(jobs.stats()).toMatchObject({ pending: 0, waiting: 0, added: 3 });
});

test('sends nothing for a signal that is aborted already', async () => {
  await using jobs = producer();
  const add = jobs.add({ n: 1 }, { signal: AbortSignal.abort() });
  await expect(add).rejects.toMatchObject({ name: 'AbortError' });
  expect(await state.redis.call('DBSIZE')).toBe(0);
});

test('an add that fails makes room', async () => {
  await state.redis.set('jobs', 'no stream');
  await using jobs = producer({ maxPending: 1 });
  const adds = Array.from({ length: 20 }, (_, n) => jobs.add({ n }));
  const results = await Promise.allSettled(adds);
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(jobs.stats()).toMatchObject({ pending: 0, waiting: 0 });
});

test('refuses jobs beyond maxBacklog, whoever adds them', async () => {
  const producers = [producer({ maxBacklog: 10 }), producer({ maxBacklog: 10 })];
  const adds = Array.from({ length: 100 }, (_, n) => producers[n % 2]?.add({ n }));
  const results = await Promise.allSettled(adds);
  const refused = results.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(90);
  for (const result of refused) {
    expect(result).toMatchObject({ reason: { code: 'ERR_SIDELOOP_BACKLOG_FULL' } });
  }
  expect(await entries('jobs')).toHaveLength(10);
  await state.redis.call('XTRIM', 'jobs', 'MAXLEN', 5);
  await producers[0]?.add({ n: 100 });
});

test('finds a duplicate in a full stream', async () => {
  await using jobs = producer({ maxBacklog: 1 });
  const first = await jobs.add({ n: 1 }, { idempotencyKey: 'k' });
  expect(await jobs.add({ n: 1 }, { idempotencyKey: 'k' })).toEqual({ ...first, duplicate: true });
  await expect(jobs.add({ n: 2 }, { idempotencyKey: 'l' })).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_BACKLOG_FULL',
    message: expect.stringContaining('jobs holds 1 jobs'),
  });
  // It was not noted as added.
  await state.redis.del('jobs');
  expect(await jobs.add({ n: 2 }, { idempotencyKey: 'l' })).toMatchObject({ duplicate: false });
});

test('bounds delayed jobs by themselves', async () => {
  await using jobs = producer({ maxBacklog: 2 });
  for (const n of [1, 2]) await jobs.add({ n }, { delayMs: 60_000 });
  await expect(jobs.add({ n: 3 }, { delayMs: 60_000 })).rejects.toMatchObject({
    code: 'ERR_SIDELOOP_BACKLOG_FULL',
    message: expect.stringContaining('{jobs}:delayed'),
  });
});
