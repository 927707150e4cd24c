// A soak of Producer and Consumer under random faults, and the proof that no job was lost, added twice
// or acknowledged by someone whose lease had passed on to another.
//
//     node bench/soak/run.mjs --minutes 10 --jobs 1000000 --seed 7
//
// Exit code 1: a violation. It prints the seed; the same seed plans the same faults, although no two runs
// of several processes are the same.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, versions } from '../machine.mjs';
import { startRedisServer } from '../redis-server.mjs';
import { audit, whatIsLeft } from './audit.mjs';
import { startMember } from './crew.mjs';
import { injectFaults } from './faults.mjs';
import { lastingConnection } from './lasting.mjs';
import { noteKill } from './ledger.mjs';
import { mortalNames, movableClock } from './preload.mjs';
import { randomFrom } from './random.mjs';

const usage = `Usage: node bench/soak/run.mjs [options]

  --minutes <m>    for how long faults are injected (default 1)
  --jobs <n>       added evenly over nine tenths of that time (default 20000 a minute)
  --seed <n>       of the faults and of what handlers do (default: a random one)
  --workers <n>    consumer processes (default 3)
  --lease <ms>     (default 1000)
  --client <name>  sideloop, or naive, which the ledger must find out (default sideloop)`;

const kStream = 'soak';
const kGroup = 'workers';
const kConcurrency = 32;
const kAddingShare = 0.9;
const kLookEveryMs = 200;
const kDrainLeases = 20;
const kDrainMs = 60_000;
const kCloseMs = 10_000;
const kShownViolations = 20;
// A script counts as busy after so many ms, and whoever loads says so every kilobyte.
const kServerSettings = [
  '--lua-time-limit',
  '50',
  '--loading-process-events-interval-bytes',
  '1024',
];

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    jobs: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    workers: { type: 'string', default: '3' },
    lease: { type: 'string', default: '1000' },
    client: { type: 'string', default: 'sideloop' },
    help: { type: 'boolean', default: false },
  },
});

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not '${text}'.`);
  return value;
}

function readSettings() {
  const minutes = positive('minutes', values.minutes);
  return {
    durationMs: minutes * 60_000,
    jobs: Math.ceil(positive('jobs', values.jobs ?? String(20_000 * minutes))),
    seed: Number(values.seed),
    workers: positive('workers', values.workers),
    leaseMs: positive('lease', values.lease),
    client: values.client,
  };
}

// The workers and the producer, of which each has a successor when it is killed.
function makeCrew(settings, { port, path: ledger }, { names, control }) {
  const place = { port, ledger, host: names?.host ?? '127.0.0.1', env: names?.env };
  const { client, seed, leaseMs, jobs, durationMs, workers: size } = settings;
  const violations = [];
  const onUnexpectedEnd = (words) => violations.push(words);
  let started = 0;
  let progress = { contiguous: 0, duplicates: 0 };
  let duplicatesBefore = 0;
  let onAdded;
  const added = new Promise((resolve) => {
    onAdded = resolve;
  });

  const startWorker = () => {
    const name = `worker-${++started}`;
    const consumer = { stream: kStream, group: kGroup, name, leaseMs, concurrency: kConcurrency };
    return startMember(
      'worker',
      { ...place, client, seed: seed + started, ...consumer },
      { onUnexpectedEnd },
    );
  };
  const startProducer = () => {
    const plan = {
      ...{ ...place, client, seed, jobs, stream: kStream, name: 'producer' },
      first: progress.contiguous,
      perSecond: (jobs * 1000) / (durationMs * kAddingShare),
    };
    const member = startMember('adder', plan, {
      onUnexpectedEnd,
      onLine: (line) => {
        progress = JSON.parse(line);
        if (progress.contiguous === jobs) onAdded();
      },
    });
    return member;
  };

  const workers = Array.from({ length: size }, startWorker);
  let producer = startProducer();
  return {
    violations,
    added,
    workers: () => workers,
    tell: (worker, order) => worker.tell(order),
    duplicates: () => duplicatesBefore + progress.duplicates,
    async replaceWorker(worker) {
      await worker.kill();
      await noteKill(control, worker.name);
      workers[workers.indexOf(worker)] = startWorker();
    },
    async replaceProducer() {
      if (progress.contiguous === jobs) return;
      await producer.kill();
      duplicatesBefore += progress.duplicates;
      progress.duplicates = 0;
      if (progress.contiguous < jobs) producer = startProducer();
    },
    unadded: () => (progress.contiguous < jobs ? producer.complaint() || 'no error' : undefined),
    async close() {
      await Promise.all(workers.map((worker) => worker.close(kCloseMs)));
      if (progress.contiguous === jobs) await producer.ended;
    },
    async kill() {
      await Promise.all([...workers, producer].map((member) => member.kill()));
    },
  };
}

// Waits for it no longer than that.
async function within(promise, milliseconds) {
  const over = new AbortController();
  const late = sleep(milliseconds, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([promise, late]);
  over.abort();
}

// The server is asked again and again: where an ack's answer was lost there is no event that tells.
async function untilDrained(control, keys, deadlineMs) {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const left = await whatIsLeft(control, keys, kGroup);
    if (left === undefined || performance.now() > until) return left;
    await sleep(kLookEveryMs);
  }
}

async function soak(settings, server, { clock, names }) {
  const { client, seed, jobs, durationMs, leaseMs } = settings;
  const { streamOf } = await import(`./clients/${client}.mjs`);
  const keys = streamOf(kStream);
  const control = lastingConnection(server.path);
  const crew = makeCrew(settings, server, { names, control });
  try {
    const enough = AbortSignal.timeout(durationMs);
    const context = { crew, control, server, clock, names, leaseMs, random: randomFrom(seed) };
    const faults = await injectFaults(context, enough);
    const begun = performance.now();
    await within(crew.added, kDrainMs);
    const left = await untilDrained(control, keys, kDrainMs + kDrainLeases * leaseMs);
    const drainMs = performance.now() - begun;
    const unadded = crew.unadded();
    await crew.close();
    const result = await audit(control, { keys, jobs });
    result.violations.push(...crew.violations);
    if (unadded) {
      result.violations.push(`the producer is not done, its last words: ${unadded}`);
    }
    if (left)
      result.violations.push(`not drained without faults in ${drainMs.toFixed(0)} ms: ${left}`);
    return { ...result, faults, drainMs, duplicates: crew.duplicates() };
  } finally {
    await crew.kill();
    control.close();
  }
}

function print(title, facts) {
  const parts = Object.entries(facts).map(([key, value]) => `${key} ${value}`);
  console.log(`${`${title}:`.padEnd(12)}${parts.join(', ')}`);
}

function report(
  settings,
  { violations, executions, explained, notedAcks, counts, faults, ...rest },
) {
  print('faults', faults);
  print('jobs', {
    added: settings.jobs,
    'of which the producer was told that they were there': rest.duplicates,
    'with an ack that was noted as accepted': notedAcks,
  });
  const times = executions.map((count, index) => [`${index} times`, count]);
  print('executed', Object.fromEntries(times.filter(([, count]) => count > 0)));
  print('again since', explained);
  print('acks', counts);
  print('drained', { 'after the last fault, ms': rest.drainMs.toFixed(0) });
  console.log(`violations: ${violations.length}`);
  for (const violation of violations.slice(0, kShownViolations)) console.log(`  ${violation}`);
}

async function main() {
  if (values.help) return console.log(usage);
  const settings = readSettings();
  print('machine', machine());
  print('versions', versions());
  print('soak', settings);
  let clock;
  const server = await startRedisServer({
    settings: kServerSettings,
    env: async (folder) => {
      clock = await movableClock(folder);
      return clock?.env;
    },
  });
  const names = await mortalNames(server.folder);
  try {
    const result = await soak(settings, server, { clock, names });
    report(settings, result);
    if (result.violations.length > 0) process.exitCode = 1;
  } finally {
    clock?.close();
    names?.close();
    await server.stop();
  }
  console.log(`seed:       ${settings.seed}`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
