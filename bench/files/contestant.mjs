// One reader, one case, one process: it reads the same files again and again, pass by pass. Each
// pass checks the number of bytes; a pass before and one after the measurement check the content.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { beBusy } from '../busy-thread.mjs';
import { mainThreadCpuMicros } from '../kernel-account.mjs';
import { pass as passTime, printAndExit, spreadOf } from '../measurement.mjs';

const kWarmUpShare = 0.5;
const kLeastPasses = 3;
const kBlockedMs = 5;
const kPeriodMs = 10;

const { values: options } = parseArgs({
  options: {
    reader: { type: 'string' },
    way: { type: 'string' },
    files: { type: 'string' },
    background: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const seconds = Number(options.seconds);
const files = JSON.parse(readFileSync(options.files, 'utf8'));
const expectedBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
const { name, version, stream, whole } = await import(`./readers/${options.reader}.mjs`);

// What one chunk is worth to JavaScript is not this suite's subject: it is counted, and that is all.
const readCounting = {
  async stream({ path }) {
    let bytes = 0;
    await stream(path, (chunk) => {
      bytes += chunk.length;
    });
    return bytes;
  },
  whole: async ({ path }) => (await whole(path)).length,
}[options.way];

const readHashing = {
  async stream({ path }) {
    const hash = createHash('sha256');
    await stream(path, (chunk) => hash.update(chunk));
    return hash.digest('hex');
  },
  whole: async ({ path }) =>
    createHash('sha256')
      .update(await whole(path))
      .digest('hex'),
}[options.way];

async function check() {
  const sums = await Promise.all(files.map(readHashing));
  for (const [index, { path, sha256 }] of files.entries()) {
    if (sums[index] !== sha256) throw new Error(`${name}: the content of ${path} came out wrong.`);
  }
}

async function readAll() {
  let bytes = 0;
  for (const read of await Promise.all(files.map(readCounting))) bytes += read;
  if (bytes !== expectedBytes) throw new Error(`${name}: ${bytes} bytes, not ${expectedBytes}.`);
}

async function readFor(durationSeconds) {
  const until = performance.now() + durationSeconds * 1000;
  let passes = 0;
  while (passes < kLeastPasses || performance.now() < until) {
    await readAll();
    passes++;
    // Between two files a program comes back to its event loop; timers and garbage are due there.
    await new Promise(setImmediate);
  }
  return passes;
}

// A timer of 1 ms, and by how much each of its gaps was longer than that.
function watchTimer() {
  const late = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    late.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    const { p99, max } = spreadOf(late);
    return { lateP99Ms: p99, lateMaxMs: max };
  };
}

const backgrounds = {
  busy: () => {
    const stop = beBusy(kBlockedMs, kPeriodMs);
    return () => stop();
  },
  timer: watchTimer,
};

await check();
const startBackground = backgrounds[options.background] ?? (() => () => ({}));
await readFor(seconds * kWarmUpShare);
const stopBackground = startBackground();
await passTime(2);

const totalBefore = process.cpuUsage();
const mainBefore = mainThreadCpuMicros();
const begun = performance.now();
const passes = await readFor(seconds);
const elapsedMs = performance.now() - begun;
const mainMicros = mainThreadCpuMicros() - mainBefore;
const total = process.cpuUsage(totalBefore);

const seen = stopBackground();
await check();

printAndExit({
  client: name,
  version,
  passes,
  passMs: elapsedMs / passes,
  mainMs: mainMicros / 1000 / passes,
  totalMs: (total.user + total.system) / 1000 / passes,
  ...seen,
});
