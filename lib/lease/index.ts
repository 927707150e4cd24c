/**
 * Leases and queues whose life is kept by the loop thread: `sideloop/lease`.
 *
 * @module
 */

export { type LeaseEndReason, LeaseError } from './lease-error.js';
