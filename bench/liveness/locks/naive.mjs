// No renewal at all: the floor, and what the harness itself is tried with.
import { connectBare } from '../../bare-redis.mjs';
import { deleteIfMine } from './scripts.mjs';

export const version = 'none';
export const renewEveryMs = () => 0;

export async function hold({ host, port, key, leaseMs }, work) {
  const redis = await connectBare(port, { host });
  if ((await redis.call('SET', key, 'naive', 'PX', leaseMs, 'NX')) !== 'OK') {
    throw new Error('It is held.');
  }
  await work();
  return (await redis.call('EVAL', deleteIfMine, 1, key, 'naive')) === 1;
}
