import { readFileSync } from 'node:fs';
import { Redis } from '../../dist/redis/index.js';

const manifest = new URL('../../package.json', import.meta.url);

export const name = 'sideloop';
export const version = JSON.parse(readFileSync(manifest, 'utf8')).version;

export async function connect(port) {
  const redis = new Redis({ host: '127.0.0.1', port });
  await redis.call('PING');
  return {
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value),
    close: () => redis.quit(),
  };
}
