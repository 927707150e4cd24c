// One processor, one kind of traffic, one process. The Worker that reports is left out of the
// account, since what it costs to make the events is no processor's doing.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { accountWithout } from '../kernel-account.mjs';
import { pass, printAndExit, spreadOf } from '../measurement.mjs';
import { clockMicros } from './clock.mjs';

const kWarmUpEvents = 100;
const kIdleFactor = 2;
// Of a rate, so that one of one event a second is more than one event.
const kLeastEvents = 3;
const kBursts = 3;
const kBurst = 1000;
// A processor that backs off has arrived at its longest pause after 8 of them, 255 ms in all.
const kQuietMs = 400;

const { values: options } = parseArgs({
  options: {
    processor: { type: 'string' },
    traffic: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const rate = Number(options.rate);
const { name, version, startProcessor } = await import(`./processors/${options.processor}.mjs`);

let latencies = [];
let received = 0;
let awaited = Number.POSITIVE_INFINITY;
let onAwaited = () => {};

function dispatch({ number, reportedAt }) {
  latencies.push(clockMicros() - reportedAt);
  if (number !== received) {
    console.error(`${name}: event ${number} came in place of ${received}.`);
    process.exit(1);
  }
  received++;
  if (received === awaited) onAwaited();
}

const { data, transferList } = await startProcessor(dispatch);
const worker = new Worker(new URL('./reporter.mjs', import.meta.url), {
  workerData: { processor: options.processor, data },
  transferList,
});
worker.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
const [reporterThread] = await once(worker, 'message');

// Resolves when `count` more events have been dispatched.
function untilDispatched(count) {
  awaited = received + count;
  return new Promise((resolve) => {
    onAwaited = resolve;
  });
}

function report(count, perSecond) {
  const done = untilDispatched(count);
  worker.postMessage({ count, perSecond });
  return done;
}

// Runs `action` on a quiet process, and tells what it has cost.
async function account(action) {
  await pass(kQuietMs);
  latencies = [];
  const before = accountWithout(reporterThread);
  const begun = performance.now();
  await action();
  const elapsedSeconds = (performance.now() - begun) / 1000;
  const after = accountWithout(reporterThread);
  return {
    wakeupsPerSecond: (after.wakeups - before.wakeups) / elapsedSeconds,
    cpuPerSecond: (after.cpuMicros - before.cpuMicros) / 1000 / elapsedSeconds,
    cpuMicros: after.cpuMicros - before.cpuMicros,
  };
}

async function measureRate() {
  const events = Math.max(kLeastEvents, Math.round(rate * seconds));
  const cost = await account(() => report(events, rate));
  const { p50, p99, max, samples } = spreadOf(latencies);
  return { ...cost, p50Micros: p50, p99Micros: p99, maxMicros: max, samples };
}

async function measureBursts() {
  const lasts = [];
  let cpuMicros = 0;
  for (let burst = 0; burst < kBursts; burst++) {
    const cost = await account(() => report(kBurst));
    cpuMicros += cost.cpuMicros;
    // All of a burst are reported in one turn, so the longest wait is that of the burst.
    lasts.push(Math.max(...latencies) / 1000);
  }
  return { lastMs: spreadOf(lasts).p50, cpuMicros: cpuMicros / (kBursts * kBurst) };
}

await report(kWarmUpEvents, 1000);
const measured = await {
  idle: () => account(() => pass(seconds * kIdleFactor * 1000)),
  rate: measureRate,
  burst: measureBursts,
}[options.traffic]();

printAndExit({ client: name, version, ...measured });
