import { Consumer, Producer } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

export { version } from '../../product.mjs';
export const name = 'sideloop';

const kStream = 'bench';
const kGroup = 'workers';
const kBulk = 1000;

export async function fill(port, count) {
  const redis = new Redis({ host: '127.0.0.1', port });
  const jobs = new Producer(redis, { stream: kStream });
  for (let first = 0; first < count; first += kBulk) {
    const length = Math.min(kBulk, count - first);
    const numbers = Array.from({ length }, (_, index) => first + index);
    await Promise.all(numbers.map((number) => jobs.add({ number })));
  }
  await jobs.close();
  await redis.quit();
}

export async function consume(port, { concurrency, handle, acked }) {
  const redis = new Redis({ host: '127.0.0.1', port });
  const options = { stream: kStream, group: kGroup, concurrency, prefetch: concurrency };
  loop(new Consumer(redis, options), { concurrency, handle, acked });
}

// One at a time, the ack is awaited before the next job: the iterator would fetch ahead of it.
async function loop(consumer, { concurrency, handle, acked }) {
  const settle = async (job) => {
    await handle(Number(job.fields.number));
    await job.ack();
    acked();
  };
  for await (const job of consumer) {
    if (concurrency === 1) await settle(job);
    else settle(job);
  }
}

export async function producer(port) {
  const redis = new Redis({ host: '127.0.0.1', port });
  const jobs = new Producer(redis, { stream: kStream });
  return (number) => jobs.add({ number });
}
