// What posting, stopping and destroying a loop mean. A failure here is a task that ran twice, never,
// or out of order, or a promise that nobody settles.

import { AsyncLocalStorage } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventLoop, type Priority, SideloopTypeError } from '../lib/index.js';
import { Redis } from '../lib/redis/index.js';
import { timersOf } from '../lib/timers/index.js';
import { loopThread } from './loop-thread.js';
import { type RedisServer, startRedisServer } from './redis-server.js';
import { thrownBy } from './thrown-by.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

const argumentError = (message: RegExp) =>
  expect.objectContaining({
    name: 'SideloopTypeError',
    code: 'ERR_SIDELOOP_ARGUMENT',
    message: expect.stringMatching(message),
  });

/** What `action` throws. */
setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const posted = (loop: EventLoop) => new Promise<void>((resolve) => loop.post(resolve));

describe('post()', () => {
  test('runs tasks in the order of posting within a priority', async () => {
    await using loop = new EventLoop();
    const priorities: Priority[] = ['critical', 'high', 'normal', 'low'];
    const ran: Record<string, number[]> = { critical: [], high: [], normal: [], low: [] };
    for (let i = 0; i < 10_000; i++) {
      const priority = priorities[(i * 7) % 4] as Priority;
      expect(loop.post(() => ran[priority]?.push(i), { priority })).toBe(true);
    }
    await loop.stop();
    for (const order of Object.values(ran)) {
      expect(order).toHaveLength(2500);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  test('runs the most urgent first of those that wait together', async () => {
    await using loop = new EventLoop();
    const shuffled: Priority[] = ['low', 'normal', 'critical', 'high', 'critical', 'low'];
    // The loop thread may come for the first before the last is posted. They waited together when
    // all of them still did after the last.
    for (;;) {
      const ran: Priority[] = [];
      for (const priority of shuffled) loop.post(() => ran.push(priority), { priority });
      const together = loop.stats().pending === shuffled.length;
      while (ran.length < shuffled.length) await posted(loop);
      if (!together) continue;
      expect(ran).toEqual(['critical', 'critical', 'high', 'normal', 'low', 'low']);
      break;
    }
  });

  test('never runs a task inline', async () => {
    await using loop = new EventLoop();
    let ran = false;
    loop.post(() => {
      ran = true;
    });
    expect(ran).toBe(false);
    await posted(loop);
    expect(ran).toBe(true);
  });

  test('returns false once the loop is stopped or destroyed, and the task does not run', async () => {
    const stopped = new EventLoop();
    const destroyed = new EventLoop();
    const stopping = stopped.stop();
    destroyed.destroy();
    const task = () => expect.unreachable();
    expect([stopped.post(task), destroyed.post(task)]).toEqual([false, false]);
    await stopping;
    expect([stopped.post(task), destroyed.post(task)]).toEqual([false, false]);
  });

  test('returns false while the mailbox is full', async () => {
    await using loop = new EventLoop({ mailboxCapacity: 8 });
    let accepted = 0;
    let ran = 0;
    let refused = 0;
    while (refused === 0) {
      for (let i = 0; i < 1000; i++) {
        if (loop.post(() => ran++)) accepted++;
        else refused++;
      }
    }
    expect(loop.stats()).toMatchObject({ postsAccepted: accepted, postsRejected: refused });
    await loop.stop();
    expect(ran).toBe(accepted);
  });

  test('keeps the async context of the caller', async () => {
    await using loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const storage = new AsyncLocalStorage<string>();
    const inPost = storage.run('post', () => {
      return new Promise((resolve) => loop.post(() => resolve(storage.getStore())));
    });
    const inReply = storage.run('reply', async () => {
      await redis.ping();
      return storage.getStore();
    });
    const inError = storage.run('error', () =>
      redis.call('NOSUCH').catch(() => storage.getStore()),
    );
    expect(await Promise.all([inPost, inReply, inError])).toEqual(['post', 'reply', 'error']);
    redis.disconnect();
  });

  test('refuses what is no task or no priority', () => {
    const loop = new EventLoop();
    expect(thrownBy(() => loop.post('task' as never))).toEqual(argumentError(/must be a function/));
    const priority = 'urgent' as never;
    const unknown = thrownBy(() => loop.post(() => {}, { priority }));
    expect(unknown).toEqual(argumentError(/'critical', 'high', 'normal' or 'low'/));
    expect(unknown).toBeInstanceOf(TypeError);
    expect(unknown).toBeInstanceOf(SideloopTypeError);
    expect(thrownBy(() => loop.post(() => {}, { priority: 'toString' as never }))).toEqual(
      argumentError(/priority/),
    );
    loop.destroy();
  });
});

describe('stop()', () => {
  test('runs what was accepted, and gives the same promise when called again', async () => {
    const loop = new EventLoop();
    let ran = 0;
    for (let i = 0; i < 5000; i++) loop.post(() => ran++);
    const stopping = loop.stop();
    expect(loop.stop()).toBe(stopping);
    await stopping;
    expect(ran).toBe(5000);
    expect(loop.stop({ deadlineMs: 1 })).toBe(stopping);
    loop.destroy();
  });

  test('lets commands in flight finish', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    const echoes = Array.from({ length: 3000 }, (_, i) => redis.echo(i));
    await loop.stop();
    expect(await Promise.all(echoes)).toEqual(echoes.map((_, i) => `${i}`));
    await expect(redis.ping()).rejects.toMatchObject({ code: /STOPPED|CLOSED/ });
  });

  test('fails what is still in flight at the deadline, with its name', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    await redis.ping();
    const blocked = redis.blpop('none', 0);
    const settled = expect(blocked).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_STOPPED',
      command: 'BLPOP',
      mayHaveRun: true,
      message: expect.stringContaining('deadline'),
    });
    await loop.stop({ deadlineMs: 50 });
    await settled;
  });

  test('refuses a deadline that is no number of ms', () => {
    const loop = new EventLoop();
    for (const deadlineMs of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10' as never]) {
      expect(thrownBy(() => loop.stop({ deadlineMs }))).toEqual(argumentError(/deadlineMs/));
    }
    expect(loop.post(() => {})).toBe(true);
    loop.destroy();
  });

  test('is what `await using` does', async () => {
    let kept: EventLoop | undefined;
    let ran = false;
    {
      await using loop = new EventLoop();
      kept = loop;
      loop.post(() => {
        ran = true;
      });
    }
    expect(ran).toBe(true);
    expect(kept.post(() => {})).toBe(false);
  });
});

describe('destroy()', () => {
  test('runs what was accepted and rejects commands with its own code', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    await redis.ping();
    const ran = Promise.all(Array.from({ length: 500 }, () => posted(loop)));
    const blocked = redis.blpop('none', 0);
    const unsent = redis.ping();
    loop.destroy();
    loop.destroy();
    await ran;
    for (const pending of [blocked, unsent]) {
      await expect(pending).rejects.toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
    }
    await loop.stop();
  });

  test('in place of a stop that waits, ends that too', async () => {
    const loop = new EventLoop();
    const redis = new Redis(server.url, { loop });
    await redis.ping();
    const blocked = redis.blpop('none', 0);
    const stopping = loop.stop({ deadlineMs: 60_000 });
    loop.destroy();
    await expect(blocked).rejects.toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
    await stopping;
  });
});

describe('a loop', () => {
  test('counts what it does', async () => {
    await using loop = new EventLoop({ name: 'counted' });
    await posted(loop);
    const before = loop.stats();
    for (let i = 0; i < 10; i++) await posted(loop);
    const after = loop.stats();
    expect(after.name).toBe('counted');
    expect(after.postsAccepted - before.postsAccepted).toBe(10);
    expect(after.postsRejected).toBe(0);
    // Each was posted after the one before had come back: a wake-up and a pass each.
    expect(after.wakeups - before.wakeups).toBe(10);
    expect(after.iterations - before.iterations).toBeGreaterThanOrEqual(9);
    expect(after.events - before.events).toBeGreaterThanOrEqual(10);
    expect(after.callbackTime.count - before.callbackTime.count).toBe(10);
    expect(after.acceptToRun.count).toBe(11);
    expect(after.acceptToRun.p50).toBeGreaterThan(0);
    expect(after.acceptToRun.max).toBeGreaterThanOrEqual(after.acceptToRun.p50 / 1.0625);
    expect(after.uptime).toBeGreaterThan(before.uptime);
  });

  test.runIf(process.platform === 'linux')(
    'is busy for as long as the kernel has its thread run, in callbacks of sockets too',
    async () => {
      await using loop = new EventLoop({ name: 'judged' });
      await using redis = new Redis(server.url, { loop });
      await redis.ping();
      const thread = await loopThread('judged');
      const kernel = async () => ({ cpu: await thread.cpuTime(), wait: await thread.waitTime() });
      // The kernel is asked outside of what the loop is asked about: its figures are the larger ones.
      const kernelBefore = await kernel();
      const before = loop.stats();
      const value = 'x'.repeat(1 << 20);
      await redis.set('large', value);
      for (let i = 0; i < 20; i++) {
        await Promise.all(Array.from({ length: 20 }, () => redis.get('large')));
      }
      const after = loop.stats();
      const kernelAfter = await kernel();
      const cpu = kernelAfter.cpu - kernelBefore.cpu;
      const wait = kernelAfter.wait - kernelBefore.wait;
      const busy = after.busyTime - before.busyTime;
      expect(cpu).toBeGreaterThan(20);
      // Going to sleep and waking up is the kernel's work, which the loop counts as idle.
      expect(busy).toBeGreaterThan(cpu * 0.7);
      expect(busy).toBeLessThan((cpu + wait) * 1.1 + 5);
    },
  );

  test('is idle while it sleeps, up to the moment of the question', async () => {
    await using loop = new EventLoop();
    await posted(loop);
    const before = loop.stats();
    const began = performance.now();
    const until = before.idleTime + 50;
    // Nobody wakes it: only a figure that grows by itself comes that far.
    while (loop.stats().idleTime < until && performance.now() - began < 10_000);
    const after = loop.stats();
    expect(after.idleTime).toBeGreaterThanOrEqual(until);
    expect(after.iterations - before.iterations).toBeLessThanOrEqual(1);
    expect(after.idleTime - before.idleTime).toBeLessThanOrEqual(performance.now() - began + 1);
  });

  test('is as old as its thread, by a clock of the test', async () => {
    const began = performance.now();
    await using loop = new EventLoop();
    await posted(loop);
    const seen = performance.now();
    // A window in which its age grows as that of everything else.
    while (performance.now() - seen < 30);
    const { uptime } = loop.stats();
    expect(uptime).toBeLessThanOrEqual(performance.now() - began);
    expect(uptime).toBeGreaterThanOrEqual(performance.now() - seen - 1);
  });

  test('times a post no longer than its poster waited', async () => {
    await using loop = new EventLoop();
    let longest = 0;
    for (let i = 0; i < 50; i++) {
      const began = performance.now();
      await posted(loop);
      longest = Math.max(longest, (performance.now() - began) * 1000);
    }
    const { acceptToRun, callbackTime } = loop.stats();
    expect(acceptToRun.max + callbackTime.min).toBeLessThanOrEqual(longest * 1.07);
  });

  test('counts what it refused, and runs what it accepted', async () => {
    const loop = new EventLoop();
    let ran = 0;
    for (let i = 0; i < 100; i++) loop.post(() => ran++);
    await loop.stop();
    let refused = 0;
    for (let i = 0; i < 7; i++) if (!loop.post(() => ran++)) refused++;
    expect([ran, refused]).toEqual([100, 7]);
    expect(loop.stats()).toMatchObject({ postsAccepted: 100, postsRejected: 7, pending: 0 });
  });

  test('counts the lateness of each deadline', async () => {
    await using loop = new EventLoop();
    const timers = timersOf(loop);
    for (let i = 0; i < 10; i++) await timers.promises.setTimeout(1);
    expect(loop.stats().lateness.count).toBe(10);
  });

  test('does a backlog in fewer passes than it has tasks', async () => {
    const loop = new EventLoop();
    const tasks = Array.from({ length: 20_000 }, () => posted(loop));
    await Promise.all(tasks);
    const { efficiency, iterations, pending } = loop.stats();
    expect(pending).toBe(0);
    expect(iterations).toBeLessThan(20_000);
    expect(efficiency).toBeGreaterThan(1);
    await loop.stop();
  });

  test('says whether it keeps the process alive', () => {
    const loop = new EventLoop();
    expect(loop.hasRef()).toBe(true);
    expect(loop.unref().hasRef()).toBe(false);
    expect(loop.unref().ref().hasRef()).toBe(true);
    loop.destroy();
  });

  test('is collected after its end', async () => {
    const endings = [(loop: EventLoop) => loop.stop(), (loop: EventLoop) => loop.destroy()];
    const references = endings.map((end) => {
      const loop = new EventLoop();
      const ended = posted(loop).then(() => end(loop));
      return { ended, loop: new WeakRef(loop) };
    });
    for (const { ended, loop } of references) {
      await ended;
      // Not the loop itself: the error of an attempt that fails would keep it alive for the next.
      await expect
        .poll(() => collectGarbage() ?? loop.deref() === undefined, { timeout: 10_000 })
        .toBe(true);
    }
  });

  test('is shared by all that are given none, until it ends', async () => {
    const shared = EventLoop.shared();
    expect(EventLoop.shared()).toBe(shared);
    const redis = new Redis({ lazyConnect: true });
    expect(redis.loop).toBe(shared);
    await shared.stop();
    expect(EventLoop.shared()).not.toBe(shared);
    expect(await new Redis(server.url).ping()).toBe('PONG');
    EventLoop.shared().destroy();
  });

  test('refuses wrong options', () => {
    for (const name of ['', 7 as never]) {
      expect(thrownBy(() => new EventLoop({ name }))).toEqual(argumentError(/^name must/));
    }
    for (const mailboxCapacity of [0, -1, 1.5, 2 ** 32, '8' as never]) {
      expect(thrownBy(() => new EventLoop({ mailboxCapacity }))).toEqual(
        argumentError(/^mailboxCapacity must/),
      );
    }
  });
});
