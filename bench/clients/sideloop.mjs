import { Redis } from '../../dist/redis/index.js';

export const name = 'sideloop';
export { version } from '../product.mjs';

export async function connect(port) {
  const redis = new Redis({ host: '127.0.0.1', port });
  await redis.call('PING');
  return {
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value),
    close: () => redis.quit(),
  };
}
