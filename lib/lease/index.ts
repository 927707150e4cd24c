/**
 * Leases and queues whose life is kept by the loop thread: `sideloop/lease`.
 *
 * @module
 */

export { acquire } from './acquire.js';
export type { AcquireOptions, WaitOptions } from './acquire-options.js';
export type { Lease, LeaseStats } from './lease.js';
export { type LeaseEndReason, LeaseError } from './lease-error.js';
export type { RedisSource } from './partitions.js';
export { Producer, type ProducerStats } from './producer.js';
export { AddManyError } from './producer-errors.js';
export type {
  Added,
  AddOptions,
  JobFields,
  NewJob,
  ProducerOptions,
  TrimOptions,
} from './producer-options.js';
