import type { NativeRedisStats } from '../binding.js';

/** What a client did, over all its connections. */
export interface RedisStats extends NativeRedisStats {
  /** Promises of this client that are not settled: in flight, waiting, or on their way back to this thread. */
  pending: number;
}
