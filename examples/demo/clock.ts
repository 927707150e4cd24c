/**
 * Milliseconds on the system's monotonic clock. `performance.now()` begins anew in every Worker;
 * this one is the same in all threads, so that what they did can be drawn on one axis.
 */
export function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
