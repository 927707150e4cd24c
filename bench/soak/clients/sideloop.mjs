import { Consumer, Producer } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

const kMaxAttempts = 1_000_000;

export const streamOf = (stream) => ({
  stream,
  delayed: `{${stream}}:delayed`,
  dead: `{${stream}}:dead`,
});

export async function startConsumer(
  { host, port, stream, group, name, leaseMs, concurrency },
  handle,
) {
  const redis = new Redis({ host, port });
  const consumer = new Consumer(redis, {
    ...{ stream, group, name, leaseMs, concurrency },
    maxAttempts: kMaxAttempts,
    retryDelayMs: 0,
    // The audit reads what was added.
    deleteAcked: false,
  });
  // The faults make it lose its connection: it must come back by itself, and say so to no one.
  consumer.on('error', () => {});
  // The ledger counts them.
  consumer.on('dead', () => {});
  const loop = (async () => {
    for await (const job of consumer) {
      handle({
        number: Number(job.fields.number),
        token: job.token,
        ack: () => job.ack(),
        fail: (error) => job.fail(error),
      });
    }
  })();
  return {
    wasRefused: (error) => error.code === 'ERR_SIDELOOP_LEASE_ENDED',
    failed: loop,
    async close() {
      await consumer.close();
      await redis.quit();
    },
  };
}

export async function startProducer({ host, port, stream }) {
  const redis = new Redis({ host, port });
  const producer = new Producer(redis, { stream });
  return {
    add: (number, delayMs) =>
      producer.add(
        { number },
        { idempotencyKey: String(number), ...(delayMs > 0 ? { delayMs } : {}) },
      ),
    close: () => producer.close(),
  };
}
