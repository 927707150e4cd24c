// A consumer group as one writes it by hand: a batch is read, handled, and acknowledged by one XACK. No
// leases, no attempts, no check of who acknowledges: the floor of what a stream costs.
import { Redis } from 'ioredis';

export { version } from '../../clients/ioredis.mjs';
export const name = 'ioredis-streams';

const kStream = 'bench';
const kGroup = 'workers';
const kBulk = 1000;
const kBlockMs = 1000;

export async function fill(port, count) {
  const redis = new Redis({ port });
  for (let first = 0; first < count; first += kBulk) {
    const pipeline = redis.pipeline();
    for (let number = first; number < Math.min(first + kBulk, count); number++) {
      pipeline.xadd(kStream, '*', 'number', number);
    }
    await pipeline.exec();
  }
  await redis.quit();
}

export async function consume(port, { concurrency, handle, acked }) {
  const redis = new Redis({ port });
  await redis.xgroup('CREATE', kStream, kGroup, '0', 'MKSTREAM').catch(() => {});
  loop(redis, { concurrency, handle, acked });
}

async function loop(redis, { concurrency, handle, acked }) {
  for (;;) {
    const options = ['COUNT', concurrency, 'BLOCK', kBlockMs, 'STREAMS', kStream, '>'];
    const reply = await redis.xreadgroup('GROUP', kGroup, 'one', ...options);
    const entries = reply?.[0][1] ?? [];
    for (const [, [, number]] of entries) await handle(Number(number));
    if (entries.length > 0) await redis.xack(kStream, kGroup, ...entries.map(([id]) => id));
    for (const _ of entries) acked();
  }
}

export async function producer(port) {
  const redis = new Redis({ port });
  await redis.ping();
  return (number) => redis.xadd(kStream, '*', 'number', number);
}
