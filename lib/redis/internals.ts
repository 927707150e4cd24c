// What other parts of the package need of a client, and users do not.

import type { NativeRedis } from '../binding.js';
import type { SideloopError } from '../errors.js';
import type { Redis } from './redis.js';

export interface RedisInternals {
  /** Of its present life. */
  readonly native: NativeRedis;
  /** True once it was told to end: it takes nothing more. */
  isClosed(): boolean;
  /** Calls `callback` at its end, before anybody else hears of that. */
  onEnd(callback: () => void): void;
  /** Why the loop takes nothing. */
  refused(command?: string): SideloopError;
}

const internals = new WeakMap<Redis, RedisInternals>();

/** Undefined for what is no client. */
export function redisInternalsOf(redis: Redis): RedisInternals | undefined {
  return internals.get(redis);
}

/** Called once by each client. */
export function setRedisInternals(redis: Redis, own: RedisInternals): void {
  internals.set(redis, own);
}
