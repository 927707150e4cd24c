// One contestant, one case, one process: a closed loop with a fixed number of commands in flight.
// Started by commands.mjs; prints one line of JSON. The code between `measured from here` and
// `to here` is all that a contestant's own code shares its main thread with.
import { parseArgs } from 'node:util';
import { keyspace } from './keyspace.mjs';
import { mainThreadCpuMicros } from './thread-cpu.mjs';

// One worker in 16 (at least one) takes the time of each of its commands: reading the clock twice
// costs about 0.1 us, which would be a third of a fast client's whole cost for a command.
const kTimedWorkerEvery = 16;
const kSampleCapacity = 1 << 20;
const kWarmUpShare = 0.5;
const kLeastWarmUpSeconds = 0.3;

const { values: options } = parseArgs({
  options: {
    client: { type: 'string' },
    port: { type: 'string' },
    operation: { type: 'string' },
    bytes: { type: 'string' },
    inflight: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const inFlight = Number(options.inflight);
const seconds = Number(options.seconds);
const bytes = Number(options.bytes);
const isGet = options.operation === 'get';

const { keys, values } = keyspace(options.operation, bytes);
const { name, version, connect } = await import(`./clients/${options.client}.mjs`);
const client = await connect(Number(options.port));
const expectedLength = isGet ? bytes : 'OK'.length;

let running = true;
let operations = 0;
let sampleCount = 0;
const samples = new Float64Array(kSampleCapacity);
samples.fill(0); // Touches every page now, not while measuring.

const command = isGet
  ? (index) => client.get(keys[index])
  : (index) => client.set(keys[index], values[index]);

// The length is looked at on every reply, so that no client is measured while it fails.
function account(reply) {
  if (reply.length !== expectedLength) throw new Error(`${name}: unexpected reply '${reply}'`);
  operations++;
}

async function work(first) {
  let index = first;
  while (running) {
    account(await command(index));
    index = index + 1 === keys.length ? 0 : index + 1;
  }
}

async function workTimed(first) {
  let index = first;
  while (running) {
    const begun = performance.now();
    account(await command(index));
    samples[sampleCount++ & (kSampleCapacity - 1)] = performance.now() - begun;
    index = index + 1 === keys.length ? 0 : index + 1;
  }
}

// Before anything is measured each reply is compared with what the server must have said: the
// seeded value for GET, OK for SET (whose values the parent process reads back itself).
async function check() {
  let next = 0;
  const checkSome = async () => {
    while (next < keys.length) {
      const index = next++;
      const reply = await command(index);
      const expected = isGet ? values[index] : 'OK';
      if (reply !== expected) throw new Error(`${name}: ${keys[index]} gave '${reply}'`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, checkSome));
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

const pass = (durationSeconds) =>
  new Promise((resolve) => setTimeout(resolve, durationSeconds * 1000));

await check();
const workers = Array.from({ length: inFlight }, (_, index) =>
  index % kTimedWorkerEvery === 0 ? workTimed(index) : work(index),
);
const finished = Promise.all(workers);
// A worker that fails must end the process at once, also while the time window is open.
finished.catch((error) => {
  console.error(error);
  process.exit(1);
});

await pass(Math.max(kLeastWarmUpSeconds, seconds * kWarmUpShare));

// Measured from here ...
sampleCount = 0;
const operationsBefore = operations;
const totalBefore = process.cpuUsage();
const mainBefore = mainThreadCpuMicros();
const begun = performance.now();
await pass(seconds);
const elapsedMs = performance.now() - begun;
const mainMicros = mainThreadCpuMicros() - mainBefore;
const total = process.cpuUsage(totalBefore);
const measured = operations - operationsBefore;
const latencies = samples.slice(0, Math.min(sampleCount, kSampleCapacity)).sort();
// ... to here.

running = false;
await finished;
if (measured === 0) throw new Error(`${name}: no command completed in ${seconds} s`);
await client.close();

const measurement = {
  client: name,
  version,
  operations: measured,
  samples: latencies.length,
  opsPerSecond: (measured * 1000) / elapsedMs,
  mainMicros: mainMicros / measured,
  totalMicros: (total.user + total.system) / measured,
  p50Micros: percentile(latencies, 0.5) * 1000,
  p99Micros: percentile(latencies, 0.99) * 1000,
};
// Ends the process in any case: what a client leaves behind is not this benchmark's subject.
process.stdout.write(`${JSON.stringify(measurement)}\n`, () => process.exit(0));
