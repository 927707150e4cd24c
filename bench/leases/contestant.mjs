// Many leases held and renewed by one process, JS idle or blocked for longer than a lease. What is held
// and how often it was renewed is the server's own word; the CPU time is the kernel's.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { connectBare } from '../bare-redis.mjs';
import { threadCpuMicros } from '../kernel-account.mjs';
import { pass, printAndExit } from '../measurement.mjs';
import { processCpuMicros } from '../server-account.mjs';

const kTtlMs = 3000;
const kRenewEveryMs = 1000;
// Since the last renewal, of those that are on time: an interval and a good part of the next.
const kLateMs = 1.5 * kRenewEveryMs;
const kWarmUpMs = 2000;
const kBatch = 1000;

const { values: options } = parseArgs({
  options: {
    holder: { type: 'string' },
    port: { type: 'string' },
    'server-pid': { type: 'string' },
    leases: { type: 'string' },
    seconds: { type: 'string' },
    'block-ms': { type: 'string', default: '0' },
  },
});
const { name, version, holdAll } = await import(`./holders/${options.holder}.mjs`);
const keys = Array.from({ length: Number(options.leases) }, (_, index) => `lease:${index}`);
const control = await connectBare(Number(options.port));

// Each renewal is one PEXPIRE, or one SET with a time.
async function renewalsSoFar() {
  const info = await control.call('INFO', 'commandstats');
  const calls = [...info.matchAll(/^cmdstat_(?:pexpire|set):calls=(\d+)/gm)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}

// How many are gone, and how many were not renewed in time, at this moment.
async function census() {
  let lost = 0;
  let late = 0;
  for (let first = 0; first < keys.length; first += kBatch) {
    const left = keys.slice(first, first + kBatch).map((key) => control.call('PTTL', key));
    for (const ms of await Promise.all(left)) {
      if (ms < 0) lost++;
      else if (kTtlMs - ms > kLateMs) late++;
    }
  }
  return { lost, late };
}

function threadMicros() {
  const threads = readdirSync('/proc/self/task');
  return new Map(threads.map((thread) => [thread, threadCpuMicros(thread)]));
}

async function account() {
  const server = processCpuMicros(options['server-pid']);
  return {
    renewals: await renewalsSoFar(),
    server,
    threads: threadMicros(),
    at: performance.now(),
  };
}

function block(milliseconds) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

await holdAll(Number(options.port), keys, {
  ttlMs: kTtlMs,
  renewEveryMs: kRenewEveryMs,
});
await pass(kWarmUpMs);
const before = await account();
block(Number(options['block-ms']));
await pass(Number(options.seconds) * 1000);
const after = await account();
const { lost, late } = await census();

const micros = (after.at - before.at) * 1000;
const used = [...after.threads].map(([thread, sum]) => [
  thread,
  sum - (before.threads.get(thread) ?? 0),
]);
const main = used.find(([thread]) => thread === String(process.pid))[1];
const others = used.filter(([thread]) => thread !== String(process.pid)).map(([, sum]) => sum);
const percent = (sum) => (sum / micros) * 100;
printAndExit({
  client: name,
  version,
  renewalsPerSecond: ((after.renewals - before.renewals) * 1e6) / micros,
  mainPercent: percent(main),
  // For sideloop the loop thread: it has no other that does anything.
  busiestOtherPercent: percent(Math.max(0, ...others)),
  processPercent: percent(main + others.reduce((sum, one) => sum + one, 0)),
  serverPercent: percent(after.server - before.server),
  late,
  lost,
});
