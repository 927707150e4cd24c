// Work of every kind while all queues and clocks of Node are fake ones that nobody moves on: `node fake-timers.mjs <redis
// url>`. Prints what came of it.

import { readFileSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EventLoop } from 'sideloop';
import { readFile } from 'sideloop/fs';
import { acquire } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';
import * as timers from 'sideloop/timers';

const [url] = process.argv.slice(2);
const self = fileURLToPath(import.meta.url);

// As sinon and vi.useFakeTimers() do it.
const nothing = () => {};
process.nextTick = nothing;
process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n });
for (const name of ['queueMicrotask', 'setImmediate', 'setTimeout', 'setInterval']) {
  globalThis[name] = nothing;
}
performance.now = () => 0;
Date.now = () => 0;

const loop = new EventLoop();
const redis = new Redis(url, { loop });
const results = {};

// More than are settled in one turn.
const sets = Array.from({ length: 5000 }, (_, i) => redis.set(`k${i}`, i));
results.sets = (await Promise.all(sets)).filter((reply) => reply === 'OK').length;
results.get = await redis.get('k4999');
results.pipeline = await redis.pipeline().incr('n').exec();
results.post = await new Promise((resolve) => loop.post(() => resolve('ran')));
results.timer = await new Promise((resolve) => timers.setTimeout(resolve, 1, 'fired'));
results.promise = await timers.promises.setTimeout(1, 'fired');
results.file = (await readFile(self, 'utf8')) === readFileSync(self, 'utf8');
const lease = await acquire(redis, 'lease', { ttlMs: 10_000 });
results.released = await lease.release();
const ended = new Promise((resolve) => redis.once('end', () => resolve('end')));
results.quit = await redis.quit();
results.end = await ended;
writeSync(1, JSON.stringify(results));
