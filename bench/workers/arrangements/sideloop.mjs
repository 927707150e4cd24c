import { Redis } from '../../../dist/redis/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

let redis;

// The main thread opens the one connection, and hands out what Workers attach to it by.
export async function share(port) {
  redis = new Redis({ host: '127.0.0.1', port });
  await redis.call('PING');
  return redis.handle;
}

export async function connect(_port, handle) {
  const attached = Redis.attach(handle);
  return { get: (key) => attached.get(key) };
}
