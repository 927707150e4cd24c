// Reading files. It exists because of the workload that the project began with: 10 MB read in 64 KB
// chunks, each awaited, where most of the time goes into the way back to JavaScript and not into
// the reading. The page cache is warm, so the disk is not measured.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { temporaryFolder } from '../temporary-folder.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kStartAndStopMs = 30_000;
// Of the measured time that is asked for: a hundred files settle sooner than most.
const kShare = 0.5;
const kChunk = 64 * 1024;
const kLarge = 160 * kChunk;
const kSmallFiles = 100;

const fileMs = { key: 'passMs', title: 'ms/file', better: 'lower' };
const batchMs = { ...fileMs, title: 'ms' };
const cpu = [
  { key: 'mainMs', title: 'main CPU ms', better: 'lower' },
  { key: 'totalMs', title: 'total CPU ms', better: 'lower' },
];
const lateness = [
  { key: 'lateP99Ms', title: 'timer late p99 ms', better: 'lower' },
  { key: 'lateMaxMs', title: 'max ms', better: 'lower' },
];
const streaming = ['sideloop', 'fs-stream', 'fs-filehandle', 'fs-sync'];
const whole = ['sideloop', 'fs-promises', 'fs-callback', 'fs-sync'];

const cases = [
  {
    id: 'stream-10m',
    title: '10 MiB in 64 KiB chunks, awaited one by one',
    way: 'stream',
    contestants: streaming,
    metrics: [fileMs, ...cpu],
  },
  {
    id: 'stream-10m-busy',
    title: 'the same, while JS is blocked for 5 ms of every 10',
    way: 'stream',
    background: 'busy',
    contestants: streaming,
    metrics: [fileMs],
  },
  {
    id: 'stream-10m-beside',
    title: 'the same, beside a timer of 1 ms: how late it is',
    way: 'stream',
    background: 'timer',
    contestants: streaming,
    metrics: [fileMs, ...lateness],
  },
  {
    id: 'whole-10m',
    title: '10 MiB in one readFile',
    way: 'whole',
    contestants: whole,
    metrics: [fileMs, ...cpu],
  },
  {
    id: 'many-64k',
    title: '100 files of 64 KiB, all readFile at once',
    way: 'whole',
    many: true,
    contestants: whole,
    metrics: [batchMs, ...cpu],
  },
  {
    id: 'many-stream-64k',
    title: '100 files of 64 KiB, all streamed at once',
    way: 'stream',
    many: true,
    contestants: streaming,
    metrics: [batchMs, ...cpu],
  },
];

// No two chunks are alike, so that one read twice or left out changes the sum.
function content(bytes, seed) {
  const words = new Uint32Array(bytes / 4);
  for (let index = 0; index < words.length; index++) words[index] = (index + seed) * 2_654_435_761;
  return Buffer.from(words.buffer);
}

function write(path, data) {
  writeFileSync(path, data);
  return { path, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

function setUp() {
  const folder = temporaryFolder();
  const large = [write(join(folder.path, 'large'), content(kLarge, 1))];
  const small = Array.from({ length: kSmallFiles }, (_, index) =>
    write(join(folder.path, `small-${index}`), content(kChunk, index)),
  );
  const [largeList, smallList] = ['large.json', 'small.json'].map((name) =>
    join(folder.path, name),
  );
  writeFileSync(largeList, JSON.stringify(large));
  writeFileSync(smallList, JSON.stringify(small));
  return { largeList, smallList, tearDown: () => folder.remove() };
}

function measure({ way, many, background }, contestant, { seconds, largeList, smallList }) {
  const args = [contestantScript, '--reader', contestant, '--way', way];
  args.push('--files', many ? smallList : largeList, '--seconds', seconds * kShare);
  if (background) args.push('--background', background);
  return measureInChild(process.execPath, args.map(String), kStartAndStopMs + seconds * 3000);
}

export const files = {
  name: 'files',
  about: 'reading files whose pages are in memory',
  product: ['fs/index.js'],
  contestants: [...new Set([...streaming, ...whole])],
  cases: () => cases,
  setUp,
  measure,
};
