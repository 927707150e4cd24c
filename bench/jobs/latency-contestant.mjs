// From the call that adds a job until its handler begins, on a consumer that waits for it: one job at a
// time, with a pause of its own length before each. Producer and consumer are in one process, with a
// connection each or more.
import { parseArgs } from 'node:util';
import { pass, printAndExit, spreadOf } from '../measurement.mjs';

const kLongestPauseMs = 10;
const kWarmUpJobs = 50;

const { values: options } = parseArgs({
  options: { client: { type: 'string' }, port: { type: 'string' }, seconds: { type: 'string' } },
});
const { name, version, consume, producer } = await import(`./queues/${options.client}.mjs`);

let begun = () => {};
let settled = () => {};
const latencies = [];
let state = 1;

// The same pauses for everybody.
function nextPauseMs() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return 1 + (state % kLongestPauseMs);
}

await consume(Number(options.port), {
  concurrency: 1,
  handle: async () => begun(performance.now()),
  acked: () => settled(),
});
const add = await producer(Number(options.port));

async function once(number) {
  const beginning = new Promise((resolve) => {
    begun = resolve;
  });
  const end = new Promise((resolve) => {
    settled = resolve;
  });
  const from = performance.now();
  const added = add(number);
  const latency = (await beginning) - from;
  await Promise.all([added, end]);
  await pass(nextPauseMs());
  return latency;
}

for (let number = 0; number < kWarmUpJobs; number++) await once(number);
const until = performance.now() + Number(options.seconds) * 1000;
for (let number = kWarmUpJobs; performance.now() < until; number++) {
  latencies.push((await once(number)) * 1000);
}
const { p50, p99, max, samples } = spreadOf(latencies);
printAndExit({ client: name, version, samples, p50Micros: p50, p99Micros: p99, maxMicros: max });
