/**
 * Leases and queues whose life is kept by the loop thread: `sideloop/lease`.
 *
 * @module
 */

export { acquire } from './acquire.js';
export type { AcquireOptions, WaitOptions } from './acquire-options.js';
export { type CloseOptions, Consumer, type RunOptions } from './consumer.js';
export type {
  ConsumerEvents,
  ConsumerHealth,
  FailedEvent,
  JobEvent,
  LostEvent,
  RetryingEvent,
  StalledEvent,
} from './consumer-events.js';
export { type ConsumerOptions, defaultRetryDelayMs } from './consumer-options.js';
export type { Handler } from './consumer-run.js';
export type { ConsumerStats } from './consumer-stats.js';
export type { FailOptions, Job } from './job.js';
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
