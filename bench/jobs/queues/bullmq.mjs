import { Queue, Worker } from 'bullmq';
import { installedVersion } from '../../clients/installed-version.mjs';

export const name = 'bullmq';
export const version = installedVersion('bullmq');

const kQueue = 'bench';
const kBulk = 1000;

const connectionTo = (port) => ({ host: '127.0.0.1', port, maxRetriesPerRequest: null });

export async function fill(port, count) {
  const queue = new Queue(kQueue, { connection: connectionTo(port) });
  for (let first = 0; first < count; first += kBulk) {
    const length = Math.min(kBulk, count - first);
    await queue.addBulk(
      Array.from({ length }, (_, index) => ({ name: 'job', data: { number: first + index } })),
    );
  }
  await queue.close();
}

// What is done is not kept, which is the cheapest that it offers.
export async function consume(port, { concurrency, handle, acked }) {
  const worker = new Worker(kQueue, async ({ data }) => handle(data.number), {
    connection: connectionTo(port),
    concurrency,
    removeOnComplete: { count: 0 },
  });
  worker.on('completed', acked);
  await worker.waitUntilReady();
}

export async function producer(port) {
  const queue = new Queue(kQueue, { connection: connectionTo(port) });
  await queue.waitUntilReady();
  return (number) => queue.add('job', { number });
}
