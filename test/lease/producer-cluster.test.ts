// A server in cluster mode refuses a script whose keys are in two slots, and the touching of keys that it did not name. A
// failure here means a queue that works everywhere but there.

import { expect, test } from 'vitest';
import { Producer, type ProducerOptions } from '../../lib/lease/index.js';
import { queueKeys } from '../../lib/lease/keys.js';
import { useQueue } from './queue.js';

const { state, entries, move } = useQueue(['--cluster-enabled', 'yes']);

const QUEUES: [Partial<ProducerOptions>, stream: string][] = [
  [{}, 'jobs'],
  [{ priorities: ['high', 'low'] }, 'jobs'],
  [{ partitions: ['a'] }, 'jobs:{a}'],
  [{ partitions: ['b'], priorities: ['high', 'low'] }, 'jobs:{b}'],
];

test('each queue keeps to one slot', async () => {
  // One node that has all slots.
  await state.server.cli('cluster', 'addslotsrange', '0', '16383');
  await expect
    .poll(() => state.server.cli('cluster', 'info'), { timeout: 10_000 })
    .toContain('cluster_state:ok');
  for (const [options, stream] of QUEUES) {
    await using jobs = new Producer(state.redis, {
      stream: 'jobs',
      maxBacklog: 100,
      trim: { minAgeMs: 1000 },
      ...options,
    });
    const keys = queueKeys(stream, options.priorities);
    const { id } = await jobs.add({ n: 1 }, { delayMs: 60_000, idempotencyKey: 'a' });
    await jobs.add({ n: 2 }, { at: 1, idempotencyKey: 'b' });
    await jobs.add({ n: 3 }, { idempotencyKey: 'c' });
    expect(await jobs.cancel(id)).toBe(true);
    expect(await move(keys.delayed, [...keys.streams])).toEqual([1, -1, 0, '']);
    const found = await entries(keys.streams.at(-1) as string);
    expect(found.map(({ fields }) => fields.n).filter((n) => n !== undefined)).toEqual(['3', '2']);
    await state.redis.call('FLUSHALL');
  }
});
