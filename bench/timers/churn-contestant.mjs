// The life of most timeouts: set with a request, cleared by its answer, never fired. Each turn sets
// a hundred and clears those of the turn before.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mainThreadCpuMicros } from '../kernel-account.mjs';
import { printAndExit } from '../measurement.mjs';

const kEachTurn = 100;
const kDelayMs = 30_000;
const kWarmUpShare = 0.5;

const { values: options } = parseArgs({
  options: { clock: { type: 'string' }, seconds: { type: 'string' } },
});
const seconds = Number(options.seconds);
const { name, version, setTimeout, clearTimeout } = await import(`./clocks/${options.clock}.mjs`);

function mustNotFire() {
  throw new Error(`${name}: a timer that was cleared has fired.`);
}

const handles = Array.from({ length: kEachTurn }, () => setTimeout(mustNotFire, kDelayMs));

async function churnFor(durationSeconds) {
  const until = performance.now() + durationSeconds * 1000;
  let turns = 0;
  while (performance.now() < until) {
    for (let index = 0; index < kEachTurn; index++) {
      clearTimeout(handles[index]);
      handles[index] = setTimeout(mustNotFire, kDelayMs);
    }
    await nextTurn();
    turns++;
  }
  return turns * kEachTurn;
}

await churnFor(seconds * kWarmUpShare);
const totalBefore = process.cpuUsage();
const mainBefore = mainThreadCpuMicros();
const pairs = await churnFor(seconds);
const mainMicros = mainThreadCpuMicros() - mainBefore;
const total = process.cpuUsage(totalBefore);

printAndExit({
  client: name,
  version,
  pairs,
  mainMicros: mainMicros / pairs,
  totalMicros: (total.user + total.system) / pairs,
});
