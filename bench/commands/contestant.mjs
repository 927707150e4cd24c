// One contestant, one case, one process: a closed loop with a fixed number of commands in flight.
// Started by suite.mjs; prints one line of JSON. The code between `measured from here` and
// `to here` is all that a contestant's own code shares its main thread with.
import { parseArgs } from 'node:util';
import { closedLoop } from '../closed-loop.mjs';
import { mainThreadCpuMicros } from '../kernel-account.mjs';
import { keyspace } from '../keyspace.mjs';
import { pass, percentile, printAndExit } from '../measurement.mjs';

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
const seconds = Number(options.seconds);
const { operation } = options;

const { keys, values } = keyspace(operation, Number(options.bytes));
const { name, version, connect } = await import(`../clients/${options.client}.mjs`);
const client = await connect(Number(options.port));
const count = new Float64Array(1);
const inFlight = Number(options.inflight);
const loop = closedLoop({ name, client, operation, keys, values, inFlight, count });

await loop.check();
const finished = loop.run();
await pass(Math.max(kLeastWarmUpSeconds, seconds * kWarmUpShare) * 1000);

// Measured from here ...
loop.forgetLatencies();
const countBefore = count[0];
const totalBefore = process.cpuUsage();
const mainBefore = mainThreadCpuMicros();
const begun = performance.now();
await pass(seconds * 1000);
const elapsedMs = performance.now() - begun;
const mainMicros = mainThreadCpuMicros() - mainBefore;
const total = process.cpuUsage(totalBefore);
const operations = count[0] - countBefore;
const latencies = loop.latencies();
// ... to here.

loop.stop();
await finished;
if (operations === 0) throw new Error(`${name}: no command completed in ${seconds} s`);
await client.close();

printAndExit({
  client: name,
  version,
  operations,
  opsPerSecond: (operations * 1000) / elapsedMs,
  mainMicros: mainMicros / operations,
  totalMicros: (total.user + total.system) / operations,
  samples: latencies.length,
  p50Micros: percentile(latencies, 0.5) * 1000,
  p99Micros: percentile(latencies, 0.99) * 1000,
});
