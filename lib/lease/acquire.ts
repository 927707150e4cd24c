// How a lease is had.

import type { Redis } from '../redis/redis.js';
import { type AcquireOptions, checkAcquireOptions } from './acquire-options.js';
import type { Lease } from './lease.js';
import { LeaseService } from './lease-service.js';

/**
 * Acquires the lease on a key: at most one holder has it at a time, and the loop thread renews it for as long as it is held,
 * while this thread computes. It is the Redis key `key` itself, so that any tool can see it.
 *
 * ```ts
 * await using lease = await acquire(redis, 'nightly-report', { ttlMs: 10_000, wait: true });
 * await write(report, { ifTokenAbove: lease.token, signal: lease.signal });
 * ```
 *
 * The connection is one of its own, of the client's options: what the client is busy with holds up no renewal. The lease
 * ends with the client, or the loop, at the latest.
 *
 * Rejects with a SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument; with a SideloopError
 * `ERR_SIDELOOP_LEASE_HELD` where somebody else holds it, `ERR_SIDELOOP_LEASE_TIMEOUT` when `wait.forMs` are over,
 * `ERR_SIDELOOP_LEASE_QUEUE_FULL` where too many wait, and `ERR_SIDELOOP_LEASE_LATE` where the server's answers come too
 * late; with the AbortError of the signal; with a RedisError where the server can't be reached, or says no
 * (`ERR_SIDELOOP_REDIS_WRONGTYPE` where the key is something else); and with `ERR_SIDELOOP_STOPPED` or
 * `ERR_SIDELOOP_DESTROYED` when the loop ends.
 */
export async function acquire(redis: Redis, key: string, options: AcquireOptions): Promise<Lease> {
  return LeaseService.of(redis).acquire(key, checkAcquireOptions(options));
}
