// SET NX PX, and a setInterval that extends it: the lock that most code has.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { deleteIfMine, extendIfMine, renewThrice } from './scripts.mjs';

export { version } from '../../clients/ioredis.mjs';
export const renewEveryMs = renewThrice;

export async function hold({ host, port, key, leaseMs }, work, noticed) {
  const redis = new Redis({ host, port });
  redis.on('error', () => {});
  const token = randomUUID();
  if ((await redis.set(key, token, 'PX', leaseMs, 'NX')) !== 'OK') throw new Error('It is held.');
  const timer = setInterval(async () => {
    const extended = await redis.eval(extendIfMine, 1, key, token, leaseMs).catch(() => 1);
    if (extended === 0) noticed();
  }, renewThrice({ leaseMs }));
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return (await redis.eval(deleteIfMine, 1, key, token)) === 1;
}
