// A setInterval for each lease, as code does that holds several.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { extendIfMine } from '../../liveness/locks/scripts.mjs';

export { version } from '../../clients/ioredis.mjs';
export const name = 'ioredis';

export async function holdAll(port, keys, { ttlMs, renewEveryMs }, options = {}) {
  const redis = new Redis({ port, ...options });
  redis.defineCommand('extendIfMine', { numberOfKeys: 1, lua: extendIfMine });
  await Promise.all(
    keys.map(async (key) => {
      const token = randomUUID();
      await redis.set(key, token, 'PX', ttlMs, 'NX');
      setInterval(() => redis.extendIfMine(key, token, ttlMs), renewEveryMs);
    }),
  );
}
