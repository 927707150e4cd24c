import { Redis } from 'ioredis';
import { installedVersion } from './installed-version.mjs';

export const name = 'ioredis';
export const version = installedVersion('ioredis');

export async function connect(port, options = {}) {
  const redis = new Redis({ host: '127.0.0.1', port, ...options });
  await redis.ping();
  return {
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value),
    close: () => redis.quit(),
  };
}
