// An idle loop sleeps. A failure here is a loop that polls: it burns battery and CPU in every
// process that has one, and nobody sees why.

import { platform } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventLoop } from '../lib/index.js';
import { Redis } from '../lib/redis/index.js';
import { loopThread } from './loop-thread.js';
import { type RedisServer, startRedisServer } from './redis-server.js';

/** The measured window, not a wait for an event. */
const WINDOW_MS = 3000;

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

// Two witnesses: the loop's own counters, and the kernel's of its thread.
async function expectNoWakeUp(loop: EventLoop): Promise<void> {
  const thread = await loopThread(loop.name);
  while (!(await thread.isAsleep())) await sleep(1);
  const { iterations, wakeups, events } = loop.stats();
  const sleeps = await thread.sleeps();
  await sleep(WINDOW_MS);
  expect(loop.stats()).toMatchObject({ iterations, wakeups, events });
  expect(await thread.sleeps()).toBe(sleeps);

  // The witnesses are awake: one post is seen by all of them.
  await new Promise<void>((resolve) => loop.post(resolve));
  while (!(await thread.isAsleep())) await sleep(1);
  expect(loop.stats().wakeups).toBe(wakeups + 1);
  expect(loop.stats().iterations).toBeGreaterThan(iterations);
  expect(await thread.sleeps()).toBeGreaterThan(sleeps);
}

describe.skipIf(platform() !== 'linux')('in three seconds of idleness', () => {
  test('a loop makes no wake-up', async () => {
    await using loop = new EventLoop({ name: 'idle-loop' });
    await new Promise<void>((resolve) => loop.post(resolve));
    await expectNoWakeUp(loop);
  });

  test('a loop with a connection makes none either', async () => {
    await using loop = new EventLoop({ name: 'idle-connected' });
    const redis = new Redis(server.url, { loop, commandTimeout: 100, silenceTimeout: 100 });
    await redis.ping();
    await redis.ping();
    // It may look once more for commands after its last reply, one timeout later; then it rests: a window is enough to see.
    for (let seen = 0; seen !== loop.stats().iterations; await sleep(250)) {
      seen = loop.stats().iterations;
    }
    await expectNoWakeUp(loop);
    redis.disconnect();
  });
});
