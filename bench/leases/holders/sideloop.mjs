import { acquire } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

export { version } from '../../product.mjs';
export const name = 'sideloop';

export async function holdAll(port, keys, { ttlMs, renewEveryMs }) {
  const redis = new Redis({ host: '127.0.0.1', port });
  await Promise.all(keys.map((key) => acquire(redis, key, { ttlMs, renewEveryMs })));
}
