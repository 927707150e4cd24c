// A Worker with its defaults, but for the lease that all contestants have and a check for stalled jobs
// as often. The processor runs on the JS thread of the Worker.
import { Queue, Worker } from 'bullmq';
import { installedVersion } from '../../clients/installed-version.mjs';

export const version = installedVersion('bullmq');
// The half of lockDuration, BullMQ's default.
export const renewEveryMs = ({ leaseMs }) => leaseMs / 2;
export const recoverEveryMs = ({ leaseMs }) => leaseMs;

export async function consume(plan, work, note) {
  await consumeWith(plan, () => work(), note);
}

export async function consumeWith({ host, port, key, leaseMs }, processor, note) {
  const worker = new Worker(key, processor, {
    connection: { host, port, maxRetriesPerRequest: null },
    lockDuration: leaseMs,
    stalledInterval: leaseMs,
  });
  let unsettled = 0;
  worker.on('active', () => unsettled++);
  worker.on('completed', () => {
    unsettled--;
    note('completed');
  });
  worker.on('failed', (_, error) => note('failed', { message: error.message }));
  worker.on('lockRenewalFailed', () => note('noticed'));
  // What it says, once or twice, when a job that has run to its end can't be completed: the lock is not
  // its own.
  worker.on('error', ({ message }) => {
    if (unsettled === 0 || !/moveToFinished/.test(message)) return;
    unsettled--;
    note('refused', { message });
  });
  await worker.waitUntilReady();
}

export async function add({ port, key }) {
  const queue = new Queue(key, { connection: { host: '127.0.0.1', port } });
  await queue.add('job', { number: 1 });
  await queue.close();
}

export async function outcome({ port, key }) {
  const queue = new Queue(key, { connection: { host: '127.0.0.1', port } });
  const counts = await queue.getJobCounts();
  await queue.close();
  const { completed = 0, failed = 0, ...others } = counts;
  const left = Object.values(others).reduce((sum, count) => sum + count, 0);
  return { completed, failed, left };
}
