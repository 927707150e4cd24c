// Timers. It exists for two promises: a deadline on the loop thread is met while JS is busy, and a
// hundred thousand of them cost little. node:timers is very good at the second on an idle thread.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';

const accuracyScript = fileURLToPath(new URL('./accuracy-contestant.mjs', import.meta.url));
const costScript = fileURLToPath(new URL('./cost-contestant.mjs', import.meta.url));
const churnScript = fileURLToPath(new URL('./churn-contestant.mjs', import.meta.url));
const kStartAndStopMs = 30_000;

const lateness = [
  { key: 'p50Micros', title: 'late p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
  { key: 'maxMicros', title: 'max us', better: 'lower' },
  { key: 'earlyMicros', title: 'early max us', better: 'lower' },
  { key: 'loopP50Micros', title: 'loop saw p50 us' },
  { key: 'loopP99Micros', title: 'loop saw p99 us' },
  { key: 'loopMaxMicros', title: 'loop saw max us' },
];
const cost = [
  { key: 'setMicros', title: 'main us/set', better: 'lower' },
  { key: 'clearMicros', title: 'main us/clear', better: 'lower' },
  { key: 'fireMicros', title: 'main us/fire', better: 'lower' },
  { key: 'totalMicros', title: 'total us/set+fire', better: 'lower' },
  { key: 'pendingBytes', title: 'bytes/timer', better: 'lower' },
];
const churn = [
  { key: 'mainMicros', title: 'main us/pair', better: 'lower' },
  { key: 'totalMicros', title: 'total us/pair', better: 'lower' },
];

function cases(quick) {
  const count = quick ? 20_000 : 100_000;
  return [
    {
      id: 'accuracy-idle',
      title: 'timeouts of 1 to 100 ms, JS idle',
      script: accuracyScript,
      metrics: lateness,
    },
    {
      id: 'accuracy-busy',
      title: 'the same, JS blocked for 5 ms of every 10',
      script: accuracyScript,
      extra: ['--busy'],
      metrics: lateness,
    },
    {
      id: 'cost',
      title: `${count.toLocaleString('en-US')} timers set, pending, cleared, fired`,
      script: costScript,
      extra: ['--count', String(count)],
      metrics: cost,
    },
    {
      id: 'churn',
      title: '100 timeouts set each turn and cleared in the next',
      script: churnScript,
      metrics: churn,
    },
  ];
}

function measure({ script, extra = [] }, contestant, { seconds }) {
  const args = ['--expose-gc', script, '--clock', contestant, '--seconds', String(seconds)];
  return measureInChild(process.execPath, [...args, ...extra], kStartAndStopMs + seconds * 3000);
}

export const timers = {
  name: 'timers',
  about: 'how late timers are, and what they cost',
  product: ['timers/index.js'],
  contestants: ['sideloop', 'node-timers'],
  cases,
  measure,
};
