import { acquire } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

export { version } from '../../product.mjs';
export const renewEveryMs = ({ leaseMs }) => Math.floor(leaseMs / 3);

export async function hold({ host, port, key, leaseMs, bounds }, work, noticed) {
  const redis = new Redis({ host, port });
  const lease = await acquire(redis, key, { ttlMs: leaseMs, ...bounds });
  let held = true;
  lease.signal.addEventListener('abort', () => {
    if (held) noticed();
  });
  await work();
  held = false;
  return lease.release();
}
