// `node --expose-gc keep-some.mjs <redis url> <batches> <batch size>`: gets batch after batch of 64
// byte values and keeps one value of each. Prints how much the heap and the memory outside of it
// grew, in bytes, by the first half of the batches and by the second.

import { Redis } from 'sideloop/redis';

const [url, batches, batchSize] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const VALUE = 'v'.repeat(64);

const redis = new Redis(url);
await redis.set('k', VALUE);
const kept = [];

async function keepOneOfEach(count) {
  for (let i = 0; i < count; i++) {
    const batch = await Promise.all(Array.from({ length: batchSize }, () => redis.get('k')));
    kept.push(batch[i % batchSize]);
  }
}

async function memory() {
  // Twice, with a turn in between: what finalizers free, they free after the first.
  for (let i = 0; i < 2; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

// What the client itself needs for such batches is there before anything is measured.
await keepOneOfEach(20);
const before = await memory();
await keepOneOfEach(batches / 2);
const halfway = await memory();
await keepOneOfEach(batches / 2);
const after = await memory();

const intact = kept.every((value) => value === VALUE);
console.log(
  JSON.stringify({ halves: [halfway - before, after - halfway], kept: kept.length, intact }),
);
redis.disconnect();
