// Ways to process the events that other threads report, one at a time, where the JS thread waits for
// them: polling every millisecond, polling with a backoff, an async queue, a wake-up with a timeout,
// and sideloop. It exists because polling is how event processors begin, and because each way out
// of it pays somewhere: idle, at a low rate, at a high one, or in a burst.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kStartAndStopMs = 40_000;

const cost = [
  { key: 'wakeupsPerSecond', title: 'wake-ups/s', better: 'lower' },
  { key: 'cpuPerSecond', title: 'CPU ms/s', better: 'lower' },
];
const latency = [
  { key: 'p50Micros', title: 'p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
];

const cases = [
  { id: 'idle', title: 'no event at all', traffic: 'idle', metrics: cost },
  {
    id: 'rate-1',
    title: '1 event a second',
    traffic: 'rate',
    rate: 1,
    metrics: [
      ...cost,
      { key: 'p50Micros', title: 'p50 us', better: 'lower' },
      { key: 'maxMicros', title: 'worst us', better: 'lower' },
    ],
  },
  {
    id: 'rate-100',
    title: '100 events a second',
    traffic: 'rate',
    rate: 100,
    metrics: [...cost, ...latency],
  },
  {
    id: 'burst-1000',
    title: 'bursts of 1000 events, into an idle process',
    traffic: 'burst',
    metrics: [
      { key: 'lastMs', title: 'to the last ms', better: 'lower' },
      { key: 'cpuMicros', title: 'CPU us/event', better: 'lower' },
    ],
  },
];

function measure({ traffic, rate = 0 }, contestant, { seconds }) {
  const args = [contestantScript, '--processor', contestant, '--traffic', traffic];
  args.push('--rate', rate, '--seconds', seconds);
  return measureInChild(process.execPath, args.map(String), kStartAndStopMs + seconds * 5000);
}

export const strategies = {
  name: 'strategies',
  about: 'how the events of a Worker reach the code that waits for them on the main thread',
  product: ['index.js'],
  contestants: ['sideloop', 'polling-1ms', 'adaptive-backoff', 'async-queue', 'wake-event'],
  cases: () => cases,
  measure,
};
