// A value that is kept must not keep the batch in which it came. V8's substrings of 13 characters and
// more hold on to the string that they were cut from: a decoder that made one string of a batch and
// cut the values out of it would be fast, and a cache of one value in a thousand would hold all
// thousand. A failure here is that leak, which no leak detector calls one.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';

const BATCHES = 2000;
const BATCH_SIZE = 1000;
const VALUE_BYTES = 64;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

const node = async (...args: string[]) => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', ...args]);
  return JSON.parse(stdout);
};

/** A bound that a decoder which keeps 1000 values for one overshoots by a factor of 50. */
const MOST_BYTES_PER_KEPT_VALUE = 20 * VALUE_BYTES;

test('values kept from many batches cost what they are worth', { timeout: 60_000 }, async () => {
  const program = fileURLToPath(new URL('children/keep-some.mjs', import.meta.url));
  const { halves, kept, intact } = await node(program, server.url, `${BATCHES}`, `${BATCH_SIZE}`);
  expect(kept).toBe(BATCHES + 20);
  expect(intact).toBe(true);
  for (const bytes of halves) {
    expect(bytes / (BATCHES / 2)).toBeLessThan(MOST_BYTES_PER_KEPT_VALUE);
  }
});

// The measurement is worth something: it sees the leak in a decoder that has it.
test('the same values cut out of one string per batch cost fifty times as much', async () => {
  const program = `
    const kept = [];
    const memory = () => (gc(), process.memoryUsage().heapUsed);
    const before = memory();
    for (let i = 0; i < 100; i++) {
      const batch = Buffer.alloc(${BATCH_SIZE * VALUE_BYTES}, 'v' + i).toString('latin1');
      kept.push(batch.slice(${VALUE_BYTES}, ${2 * VALUE_BYTES}));
    }
    console.log(JSON.stringify((memory() - before) / kept.length));
  `;
  expect(await node('-e', program)).toBeGreaterThan(20 * MOST_BYTES_PER_KEPT_VALUE);
});
