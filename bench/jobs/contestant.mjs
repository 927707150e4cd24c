// One consumer process, one queue that was filled before: as many jobs as it can, with an empty handler
// and an acknowledgement for each. Measured from the moment when a tenth is done until all are, or
// until the time is over.
import { parseArgs } from 'node:util';
import { mainThreadCpuMicros } from '../kernel-account.mjs';
import { printAndExit } from '../measurement.mjs';
import { processCpuMicros } from '../server-account.mjs';

const kWarmUpShare = 0.1;

const { values: options } = parseArgs({
  options: {
    client: { type: 'string' },
    port: { type: 'string' },
    'server-pid': { type: 'string' },
    count: { type: 'string' },
    concurrency: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const count = Number(options.count);
const warmUp = Math.floor(count * kWarmUpShare);
const { name, version, consume } = await import(`./queues/${options.client}.mjs`);

const handled = new Uint8Array(count);
let done = 0;
let start;

function fail(message) {
  console.error(`${name}: ${message}`);
  process.exit(1);
}

async function handle(number) {
  if (!(number < count)) fail(`a job that nobody added: ${number}.`);
  if (++handled[number] > 1) fail(`job ${number} was handed out twice.`);
}

function account() {
  const { user, system } = process.cpuUsage();
  return {
    at: performance.now(),
    done,
    main: mainThreadCpuMicros(),
    total: user + system,
    server: processCpuMicros(options['server-pid']),
  };
}

function acked() {
  done++;
  if (done === warmUp) {
    start = account();
    setTimeout(finish, Number(options.seconds) * 1000);
  }
  if (done === count) finish();
}

function finish() {
  const end = account();
  const jobs = end.done - start.done;
  if (jobs === 0) fail(`no job was done in ${options.seconds} s.`);
  printAndExit({
    client: name,
    version,
    jobs,
    jobsPerSecond: (jobs * 1000) / (end.at - start.at),
    mainMicros: (end.main - start.main) / jobs,
    totalMicros: (end.total - start.total) / jobs,
    serverMicros: (end.server - start.server) / jobs,
  });
}

await consume(Number(options.port), { concurrency: Number(options.concurrency), handle, acked });
