import type { Redis, RedisEvents } from '../../lib/redis/index.js';

/** Resolves at the client's next event of this name. Unlike events.once(), errors do not reject it. */
export function nextEvent<E extends keyof RedisEvents>(redis: Redis, event: E): Promise<void> {
  return new Promise((resolve) => {
    redis.once(event, () => resolve());
  });
}
