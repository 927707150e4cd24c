// What becomes of entries that are done. A failure here means streams that grow for ever, or that lose what other groups
// have not had yet.

import { expect, onTestFinished, test } from 'vitest';
import { type ConsumerOptions, Producer } from '../../lib/lease/index.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();
const idsOf = async (stream = 'jobs') =>
  ((await side.redis.call('XRANGE', stream, '-', '+')) as [string][]).map(([id]) => id);

async function ackFive(options: Partial<ConsumerOptions>) {
  const ids = await side.add(5);
  for (const job of await take(side.consumer({ concurrency: 5, ...options }), 5)) await job.ack();
  return ids;
}

test.each<[string, Partial<ConsumerOptions>, number]>([
  ['by default they are deleted', {}, 0],
  ['deleteAcked: true', { deleteAcked: true }, 0],
  ['deleteAcked: false', { deleteAcked: false }, 5],
  ['keepAcked: 0', { keepAcked: 0 }, 0],
  ['keepAcked: 1', { keepAcked: 1 }, 1],
  ['keepAcked: 3', { keepAcked: 3 }, 3],
  ['keepAcked: 100', { keepAcked: 100 }, 5],
])('of one group: %s', async (_, options, kept) => {
  const ids = await ackFive(options);
  expect(await idsOf()).toEqual(ids.slice(5 - kept));
  expect(await side.pendingCount()).toBe(0);
});

test.each<[string, Partial<ConsumerOptions>, number, number]>([
  ['by default they are kept, with one warning', {}, 5, 1],
  ['keepAcked: 1 keeps them too', { keepAcked: 1 }, 5, 1],
  ['deleteAcked: true', { deleteAcked: true }, 0, 0],
  ['deleteAcked: false', { deleteAcked: false }, 5, 0],
])('of several groups: %s', async (_, options, kept, warned) => {
  const warnings: unknown[] = [];
  const onWarning = (warning: Error & { code?: string }) => warnings.push(warning.code);
  process.on('warning', onWarning);
  onTestFinished(() => {
    process.off('warning', onWarning);
  });
  await side.redis.call('XGROUP', 'CREATE', 'jobs', 'others', '0', 'MKSTREAM');
  await ackFive(options);
  expect(await idsOf()).toHaveLength(kept);
  await expect
    .poll(() => warnings.filter((code) => code === 'SIDELOOP_ACKED_KEPT').length)
    .toBe(warned);
});

test.each<[string, Partial<ConsumerOptions>, number, number]>([
  ['by default they are kept, and it is said why', {}, 5, 1],
  ['keepAcked: 1 keeps them too', { keepAcked: 1 }, 5, 1],
  ['deleteAcked: true', { deleteAcked: true }, 0, 0],
  ['deleteAcked: false', { deleteAcked: false }, 5, 0],
])('where nobody says how many groups there are: %s', async (_, options, kept, told) => {
  const warnings: unknown[] = [];
  const onWarning = (warning: Error & { code?: string }) => warnings.push(warning.code);
  process.on('warning', onWarning);
  onTestFinished(async () => {
    process.off('warning', onWarning);
    await side.server.cli('ACL', 'SETUSER', 'default', '+xinfo');
  });
  await side.server.cli('ACL', 'SETUSER', 'default', '-xinfo');
  await side.add(5);
  const consumer = side.consumer({ concurrency: 5, ...options });
  const errors: string[] = [];
  consumer.on('error', ({ message }) => errors.push(message));
  for (const job of await take(consumer, 5)) await job.ack();
  expect(await idsOf()).toHaveLength(kept);
  await expect.poll(() => errors).toHaveLength(told);
  for (const message of errors) expect(message).toMatch(/XINFO GROUPS of jobs: .*deleteAcked/);
  expect(consumer.health).toEqual({ healthy: true });
  expect(warnings).not.toContain('SIDELOOP_ACKED_KEPT');
});

test('the warning names what bounds the stream', async () => {
  const messages: string[] = [];
  const onWarning = (warning: Error) => messages.push(warning.message);
  process.on('warning', onWarning);
  onTestFinished(() => {
    process.off('warning', onWarning);
  });
  await side.redis.call('XGROUP', 'CREATE', 'jobs', 'others', '0', 'MKSTREAM');
  await ackFive({});
  const isIt = (message: string) => message.includes('trim: { maxLength }');
  await expect.poll(() => messages.some(isIt)).toBe(true);
  expect(() => new Producer(side.redis, { stream: 'jobs', trim: { maxLength: 1 } })).not.toThrow();
});

test('what is tried again, or a dead letter, is deleted, and not among the last that are kept', async () => {
  await side.add(1);
  const consumer = side.consumer({ keepAcked: 10, maxAttempts: 2 });
  consumer.on('dead', () => {});
  const [job] = await take(consumer, 1);
  await job?.fail('no', { retryAfterMs: 0 });
  expect(await idsOf()).toHaveLength(1);
  const [again] = await take(consumer, 1);
  await again?.fail('no');
  expect(await idsOf()).toEqual([]);
  expect(await idsOf('{jobs}:dead')).toHaveLength(1);
});

test.each([-1, 1.5, '1', Number.NaN])(
  'what is no number of entries is refused: %s',
  (keepAcked) => {
    expect(() => side.consumer({ keepAcked: keepAcked as number })).toThrow(/^keepAcked must be/);
  },
);

test('keepAcked and deleteAcked do not go together', () => {
  expect(() => side.consumer({ keepAcked: 1, deleteAcked: true })).toThrow(/deleteAcked/);
});
