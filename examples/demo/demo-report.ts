import type { DemoRun } from './demo-run.js';
import { count, mebibytes, ms, type Row, share, textTable } from './report-table.js';
import type { RunSummary } from './run-summary.js';

/** The table at the end: a column for each run. */
export function demoTable(runs: readonly DemoRun[], summaries: readonly RunSummary[]): string {
  const columns = runs.map((run, index) => column(run, summaries[index] as RunSummary));
  const labels = Object.keys(columns[0] ?? {}) as (keyof ReturnType<typeof column>)[];
  const rows = labels.map((label): Row => [label, ...columns.map((values) => values[label])]);
  return textTable(['', ...runs.map(({ label }) => label)], rows);
}

function column(run: DemoRun, summary: RunSummary) {
  const { report, redis, loop, block } = run;
  const { totals } = report;
  const { before, after } = loop;
  const iterations = after.iterations - before.iterations;
  const events = after.events - before.events;
  return {
    'nodes (I/O + CPU)': `${count(totals.nodes)} (${count(totals.io)} + ${count(totals.cpu)})`,
    'nodes failed, skipped': `${count(totals.failed)}, ${count(totals.skipped)}`,
    'cache hits, packages': share(summary.unitHits, totals.cpu),
    'cache hits, files': share(summary.fileHits, summary.files),
    'changed since the run before': count(summary.changed.own + summary.changed.needs),
    'read and hashed': mebibytes(summary.readBytes),
    'Redis commands': count(redis.commands),
    'peak in flight': count(run.peakInFlight),
    "Redis latency p50, loop's clock": ms(redis.latency.p50 / 1000),
    "Redis latency p99, loop's clock": ms(redis.latency.p99 / 1000),
    'loop wake-ups by other threads': count(after.wakeups - before.wakeups),
    'loop efficiency (events / iterations)': `${(events / Math.max(1, iterations)).toFixed(2)} (${count(events)} / ${count(iterations)})`,
    'JS thread blocked': block ? ms(block.endMs - block.startMs) : 'no',
    'wall time': ms(run.endMs - run.startMs),
  };
}

/** What the loop did while the JS thread could not. */
export function blockText(block: NonNullable<DemoRun['block']>): string {
  const { inFlight, replies, bytes, iterations, events, wakeups, stillInFlight, slow } = block;
  const rows: Row[] = [
    ['calls in flight when it began', count(inFlight)],
    ['replies read and parsed', count(replies)],
    ['bytes received', count(bytes)],
    ['passes through the loop, events', `${count(iterations)}, ${count(events)}`],
    ['wake-ups by another thread', count(wakeups)],
    ['calls still unanswered when it ended', count(stillInFlight)],
    [`the ${count(slow.calls)} slow calls (BLPOP) came back after, half of them`, ms(slow.p50)],
    ['  90 % of them', ms(slow.p90)],
    ['  the last that came in time', ms(slow.max)],
  ];
  const blockedMs = ms(block.endMs - block.startMs);
  return textTable([`While the JS thread was blocked for ${blockedMs}, the loop did`, ''], rows);
}
