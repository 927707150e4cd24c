// A consumer group as one writes it by hand: XREADGROUP, a setInterval that claims the entry anew to
// set its idle time back, XAUTOCLAIM for those of the dead, XACK. Nothing checks who acks.
import { Redis } from 'ioredis';

export { version } from '../../clients/ioredis.mjs';
export const renewEveryMs = ({ leaseMs }) => Math.floor(leaseMs / 3);
export const recoverEveryMs = ({ leaseMs }) => Math.floor(leaseMs / 2);

const kGroup = 'workers';

// Its loop runs as long as the process; it returns when it has begun.
export async function consume(plan, work, note) {
  const redis = new Redis({ host: plan.host, port: plan.port });
  const blocking = redis.duplicate();
  for (const client of [redis, blocking]) client.on('error', () => {});
  await redis.xgroup('CREATE', plan.key, kGroup, '0', 'MKSTREAM').catch(() => {});
  loop(plan, { redis, blocking }, work, note).catch(({ message }) => note('error', { message }));
}

async function loop(plan, { redis, blocking }, work, note) {
  const { key, leaseMs, name } = plan;
  for (;;) {
    const [, abandoned] = await redis.xautoclaim(key, kGroup, name, leaseMs, '0', 'COUNT', 1);
    const entries = abandoned.length > 0 ? abandoned : await read(plan, blocking);
    for (const [id] of entries) {
      const timer = setInterval(() => {
        redis.xclaim(key, kGroup, name, 0, id, 'JUSTID').catch(() => {});
      }, renewEveryMs(plan));
      await work();
      clearInterval(timer);
      note((await redis.xack(key, kGroup, id)) === 1 ? 'completed' : 'refused');
    }
  }
}

async function read(plan, blocking) {
  const options = ['COUNT', 1, 'BLOCK', recoverEveryMs(plan), 'STREAMS', plan.key, '>'];
  const reply = await blocking.xreadgroup('GROUP', kGroup, plan.name, ...options);
  return reply?.[0][1] ?? [];
}

export async function add({ port, key }) {
  const redis = new Redis({ port });
  await redis.xadd(key, '*', 'number', 1);
  await redis.quit();
}

export async function outcome({ port, key }) {
  const redis = new Redis({ port });
  const [pending] = await redis.xpending(key, kGroup);
  await redis.quit();
  return { completed: 1 - pending, failed: 0, left: pending };
}
