// What many timers cost: to set, to keep, to clear, and to fire. Their delays differ, 1000 of them
// for what is cleared and 100 for what fires, since timers of one delay share a list in Node.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { mainThreadCpuMicros, residentBytes } from '../kernel-account.mjs';
import { pass, printAndExit } from '../measurement.mjs';

const kHourMs = 3_600_000;
const kSoonMs = 1000;
const kWarmUpLaps = 20;
const kWarmUpCount = 2000;
// Long enough for another thread to have done what this one has handed over: it costs no CPU.
const kSettleMs = 50;

const { values: options } = parseArgs({
  options: {
    clock: { type: 'string' },
    seconds: { type: 'string' },
    count: { type: 'string' },
  },
});
const count = Number(options.count);
const { name, version, setTimeout, clearTimeout } = await import(`./clocks/${options.clock}.mjs`);

// The end of a turn belongs to the price: what was staged is handed over there.
async function costOf(action) {
  const before = mainThreadCpuMicros();
  action();
  await nextTurn();
  return mainThreadCpuMicros() - before;
}

function mustNotFire() {
  throw new Error(`${name}: a timer that was cleared has fired.`);
}

async function setAndClear(many) {
  const handles = new Array(many);
  const setMicros = await costOf(() => {
    for (let index = 0; index < many; index++) {
      handles[index] = setTimeout(mustNotFire, kHourMs + (index % 1000));
    }
  });
  await pass(kSettleMs);
  globalThis.gc();
  const resident = residentBytes();
  const clearMicros = await costOf(() => {
    for (const handle of handles) clearTimeout(handle);
  });
  await pass(kSettleMs);
  return { setMicros, clearMicros, resident };
}

async function setAndFire(many) {
  const fired = new Uint8Array(many);
  let left = many;
  const { promise, resolve } = withResolvers();
  const fire = (index) => {
    fired[index]++;
    if (--left === 0) resolve();
  };
  for (let index = 0; index < many; index++) {
    setTimeout(fire, kSoonMs + (index % 100), index);
  }
  await nextTurn();
  const before = mainThreadCpuMicros();
  await promise;
  const fireMicros = mainThreadCpuMicros() - before;
  await nextTurn();
  if (fired.some((times) => times !== 1)) throw new Error(`${name}: a timer fired twice.`);
  return fireMicros;
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

for (let lap = 0; lap < kWarmUpLaps; lap++) await setAndClear(kWarmUpCount);
await setAndFire(kWarmUpCount);
globalThis.gc();
await nextTurn();

const residentBefore = residentBytes();
const { setMicros, clearMicros, resident } = await setAndClear(count);
globalThis.gc();
await nextTurn();
const totalBefore = process.cpuUsage();
const fireMicros = await setAndFire(count);
const total = process.cpuUsage(totalBefore);

printAndExit({
  client: name,
  version,
  setMicros: setMicros / count,
  clearMicros: clearMicros / count,
  fireMicros: fireMicros / count,
  totalMicros: (total.user + total.system) / count,
  pendingBytes: (resident - residentBefore) / count,
});
