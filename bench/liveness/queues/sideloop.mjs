import { Consumer, Producer } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

export { version } from '../../product.mjs';
export const renewEveryMs = ({ leaseMs }) => Math.floor(leaseMs / 3);
export const recoverEveryMs = ({ leaseMs }) => Math.floor(leaseMs / 2);

const kGroup = 'workers';

export async function consume({ host, port, key, leaseMs, bounds, name }, work, note) {
  const redis = new Redis({ host, port });
  const consumer = new Consumer(redis, { stream: key, group: kGroup, name, leaseMs, ...bounds });
  consumer.on('error', ({ message }) => note('error', { message }));
  loop(consumer, work, note).catch(({ message }) => note('error', { message }));
}

async function loop(consumer, work, note) {
  for await (const job of consumer) handle(job, work, note);
}

async function handle(job, work, note) {
  let settled = false;
  job.signal.addEventListener('abort', () => {
    if (!settled) note('noticed', { message: job.signal.reason?.message });
  });
  await work();
  try {
    await job.ack();
    note('completed');
  } catch ({ message }) {
    note('refused', { message });
  } finally {
    settled = true;
  }
}

export async function add({ port, key }) {
  const redis = new Redis({ host: '127.0.0.1', port });
  const producer = new Producer(redis, { stream: key });
  await producer.add({ number: 1 });
  await producer.close();
  await redis.quit();
}

export async function outcome({ port, key }) {
  const redis = new Redis({ host: '127.0.0.1', port });
  const [pending] = await redis.call('XPENDING', key, kGroup);
  const dead = await redis.call('XLEN', `{${key}}:dead`);
  await redis.quit();
  return { completed: 1 - pending - dead, failed: dead, left: pending };
}
