// Asks for a number of large values in one turn, is busy for a while, and prints by how much the
// process grew meanwhile, and how long it took from then on until all were there.
import { parseArgs } from 'node:util';
import { residentBytes } from '../kernel-account.mjs';
import { printAndExit } from '../measurement.mjs';

const kBusyMs = 1500;

const { values: options } = parseArgs({
  options: {
    contestant: { type: 'string' },
    port: { type: 'string' },
    count: { type: 'string' },
    bytes: { type: 'string' },
  },
});
const where = { host: '127.0.0.1', port: Number(options.port) };
const count = Number(options.count);

const contestants = {
  async sideloop() {
    const { Redis } = await import('../../dist/redis/index.js');
    return new Redis(where);
  },
  async ioredis() {
    const { Redis } = await import('ioredis');
    return new Redis(where);
  },
};

const redis = await contestants[options.contestant]();
await redis.set('untaken', 'x'.repeat(Number(options.bytes)));
await redis.get('untaken');
globalThis.gc();
const residentBefore = residentBytes();
// Lengths alone are kept, so that what grows is what the client holds.
const lengths = Array.from({ length: count }, () =>
  redis.get('untaken').then((text) => text.length),
);
// The commands go out with the end of this turn.
await new Promise(setImmediate);
for (const until = performance.now() + kBusyMs; performance.now() < until; );
const grown = residentBytes() - residentBefore;
const begun = performance.now();
const total = (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);

printAndExit({
  contestant: options.contestant,
  total,
  grownMiB: grown / 2 ** 20,
  takenMs: performance.now() - begun,
});
