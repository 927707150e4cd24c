// What is told of a job when its handler has ended. A failure here is an error that nobody hears of, or one end that is told
// as two.

import { expect, test } from 'vitest';
import { ConsumerSide } from './consumer-side.js';

const side = new ConsumerSide();

test('a handler that throws undefined behind its own ack() is heard', async () => {
  await side.add(1);
  const consumer = side.consumer();
  const heard: unknown[] = [];
  consumer.on('error', (error) => heard.push(error));
  consumer.run((job) => job.ack().then(() => Promise.reject()));
  await expect.poll(() => heard).toEqual([undefined]);
});

test.each([
  ['returns', () => {}],
  [
    'throws',
    () => {
      throw new Error('on purpose');
    },
  ],
])(
  'a job whose lease is found to be lost when its handler %s is told as lost, once',
  async (_, end) => {
    const [id] = await side.add(1);
    const consumer = side.consumer({ leaseMs: 30_000 });
    const told: unknown[] = [];
    consumer.on('completed', () => told.push('completed'));
    consumer.on('error', (error) => told.push(error));
    consumer.on('lost', ({ error }) => told.push(error.reason));
    consumer.run(async () => {
      await side.redis.call('XCLAIM', 'jobs', 'g', 'another', 0, id as string);
      end();
    });
    await expect.poll(() => told.length).toBeGreaterThan(0);
    await consumer.close();
    expect(told).toEqual(['lost']);
  },
);
