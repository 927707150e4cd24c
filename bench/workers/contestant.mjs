// One arrangement, one number of Workers, one process. This thread starts them, opens the measured
// window when all are warm, and does nothing itself: the replies are counted in shared memory.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { residentBytes } from '../kernel-account.mjs';
import { pass, printAndExit, spreadOf } from '../measurement.mjs';
import { countConnections } from '../redis-server.mjs';

const kWarmUpShare = 0.5;
const kLeastWarmUpSeconds = 0.3;
// Of a count: a cache line for each thread, so that none waits for another's.
const kCountStride = 64;

const { values: options } = parseArgs({
  options: {
    arrangement: { type: 'string' },
    port: { type: 'string' },
    threads: { type: 'string' },
    bytes: { type: 'string' },
    inflight: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const port = Number(options.port);
const seconds = Number(options.seconds);
const threads = Number(options.threads);
const { name, version, share } = await import(`./arrangements/${options.arrangement}.mjs`);

// How many a Worker may have of its own, so that the count is checked and not only told.
const connectionsBefore = await countConnections(port);
const shared = await share(port);
const counts = new SharedArrayBuffer(threads * kCountStride);
const started = Array.from({ length: threads }, (_, index) => {
  const count = new Float64Array(counts, index * kCountStride, 1);
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: {
      arrangement: options.arrangement,
      bytes: Number(options.bytes),
      inFlight: Number(options.inflight),
      port,
      shared,
      count,
    },
  });
  worker.on('error', (error) => {
    console.error(error);
    process.exit(1);
  });
  return { worker, count };
});

const fromAll = () => Promise.all(started.map(({ worker }) => once(worker, 'message')));
function tellAll(what) {
  for (const { worker } of started) worker.postMessage(what);
}
const operationsSoFar = () => started.reduce((sum, { count }) => sum + count[0], 0);

await fromAll(); // Connected, and every reply checked.
tellAll('run');
await pass(Math.max(kLeastWarmUpSeconds, seconds * kWarmUpShare) * 1000);
tellAll('measure');

const operationsBefore = operationsSoFar();
const cpuBefore = process.cpuUsage();
const begun = performance.now();
await pass(seconds * 1000);
const elapsedMs = performance.now() - begun;
const operations = operationsSoFar() - operationsBefore;
const cpu = process.cpuUsage(cpuBefore);
const resident = residentBytes();
const connections = (await countConnections(port)) - connectionsBefore;

const answers = fromAll();
tellAll('stop');
const { p50, p99, samples } = spreadOf((await answers).flatMap(([sorted]) => [...sorted]));
if (operations === 0) throw new Error(`${name}: no command completed in ${seconds} s`);

printAndExit({
  client: name,
  version,
  operations,
  samples,
  opsPerSecond: (operations * 1000) / elapsedMs,
  opsPerCpuSecond: (operations * 1e6) / (cpu.user + cpu.system),
  p50Micros: p50 * 1000,
  p99Micros: p99 * 1000,
  connections,
  residentMiB: resident / 2 ** 20,
});
