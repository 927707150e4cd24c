// What every contestant's process does at its end: percentiles, and the one line of JSON that
// child.mjs reads.

// `sorted` is in ascending order.
export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

// p50, p99 and the largest of some times, which it sorts.
export function spreadOf(times) {
  const sorted = Float64Array.from(times).sort();
  if (sorted.length === 0) throw new Error('Nothing was measured.');
  return {
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: sorted[sorted.length - 1],
    samples: sorted.length,
  };
}

// Ends the process in any case: what a contestant leaves behind is not a benchmark's subject.
export function printAndExit(measurement) {
  process.stdout.write(`${JSON.stringify(measurement)}\n`, () => process.exit(0));
}

export function pass(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
