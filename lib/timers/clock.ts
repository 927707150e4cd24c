// The loop thread's clock, as this thread reads it: the monotonic clock of process.hrtime(), in ms.

import { performance } from 'node:perf_hooks';

// A program's tests may replace performance.now() with a clock of their own.
const sinceOrigin = performance.now.bind(performance);

// Read in this order, the origin is late by the time between the two readings: a deadline made by it is late by some
// hundred nanoseconds, and never early.
const before = sinceOrigin();
const [seconds, nanoseconds] = process.hrtime();
const origin = seconds * 1e3 + nanoseconds / 1e6 - before;

/** The time in ms, with fractions. */
export function now(): number {
  return origin + sinceOrigin();
}
