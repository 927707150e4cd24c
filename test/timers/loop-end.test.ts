// What becomes of timers when their loop ends. A failure here is a stop that waits for a timer, a callback after the end,
// or a promise that never settles.

import { expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import {
  FrameBatcher,
  setTimeout as sharedTimeout,
  timerStats,
  timersOf,
} from '../../lib/timers/index.js';
import { thrownBy } from '../thrown-by.js';
import { collectGarbage, nextTurn } from './wait.js';

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error) => error.code,
  );

async function endOf(loop: EventLoop, how: 'stop' | 'destroy'): Promise<void> {
  if (how === 'stop') await loop.stop();
  else loop.destroy();
}

test.each([
  ['stop', 'ERR_SIDELOOP_STOPPED'],
  ['destroy', 'ERR_SIDELOOP_DESTROYED'],
] as const)('%s() waits for no timer, and rejects with %s', async (how, code) => {
  const loop = new EventLoop();
  const { setTimeout, setInterval, promises } = timersOf(loop);
  const start = performance.now();
  const waiting = [
    codeOf(promises.setTimeout(1e6)),
    codeOf(promises.setTimeout(1e6, null, { ref: false })),
    codeOf(promises.setTimeout(1e6, null, { signal: new AbortController().signal })),
    codeOf(promises.setInterval(1e6).next()),
  ];
  const timer = setTimeout(() => expect.unreachable(), 1e5);
  const interval = setInterval(() => expect.unreachable(), 1e5);
  await nextTurn();
  await endOf(loop, how);
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => code));
  expect(performance.now() - start).toBeLessThan(1e5);
  expect(timerStats(loop).pending).toBe(0);
  expect(timer.refresh().hasRef()).toBe(true);
  interval.refresh().close();
  timer.close();
});

test.each(['stop', 'destroy'] as const)(
  'what was set in the turn of the %s() is settled too',
  async (how) => {
    const loop = new EventLoop();
    const { promises } = timersOf(loop);
    const waiting = codeOf(promises.setTimeout(1e6));
    await endOf(loop, how);
    expect(await waiting).toMatch(/^ERR_SIDELOOP_(STOPPED|DESTROYED)$/);
  },
);

test.each(['stop', 'destroy'] as const)('after %s() a timer is refused', async (how) => {
  const loop = new EventLoop();
  const { setTimeout, setInterval, promises } = timersOf(loop);
  const ended = endOf(loop, how);
  const refused = expect.objectContaining({
    name: 'SideloopError',
    code: expect.stringMatching(/^ERR_SIDELOOP_(STOPPED|DESTROYED)$/),
  });
  for (let i = 0; i < 2; i++) {
    expect(thrownBy(() => setTimeout(() => {}, 1))).toEqual(refused);
    expect(thrownBy(() => setInterval(() => {}, 1))).toEqual(refused);
    expect(await codeOf(promises.setTimeout(1))).toMatch(/STOPPED|DESTROYED/);
    expect(await codeOf(promises.setInterval(1).next())).toMatch(/STOPPED|DESTROYED/);
    await ended;
  }
  // A service that begins after the end.
  expect(thrownBy(() => timersOf(loop).setTimeout(() => {}, 1))).toEqual(refused);
});

test('the functions without a loop go on with a new one in the turn that ends the shared one', async () => {
  for (let i = 0; i < 3; i++) {
    const fired = new Promise<void>((resolve) => {
      sharedTimeout(() => expect.unreachable(), 1e6);
      EventLoop.shared().destroy();
      sharedTimeout(resolve, 1);
      sharedTimeout(() => expect.unreachable(), 1e6).close();
    });
    await fired;
  }
  await EventLoop.shared().stop();
});

test.each(['stop', 'destroy'] as const)(
  'after %s() a timer is refused, one cleared or not',
  async (how) => {
    const loop = new EventLoop();
    const { setTimeout } = timersOf(loop);
    const pending = setTimeout(() => expect.unreachable(), 1e6);
    await nextTurn();
    const ended = endOf(loop, how);
    pending.close();
    expect(thrownBy(() => setTimeout(() => {}, 1))).toMatchObject({
      code: expect.stringMatching(/^ERR_SIDELOOP_(STOPPED|DESTROYED)$/),
    });
    await ended;
  },
);

test('destroy() inside a callback runs none that has not fired', async () => {
  const loop = new EventLoop();
  const { setTimeout, promises } = timersOf(loop);
  const log: string[] = [];
  const waiting = codeOf(promises.setTimeout(1e6));
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      log.push('fired');
      loop.destroy();
      resolve();
    }, 1);
    setTimeout(() => log.push('too late'), 500);
  });
  expect(await waiting).toBe('ERR_SIDELOOP_DESTROYED');
  expect(log).toEqual(['fired']);
});

test('a wait that has fired resolves although the loop is destroyed before it is read', async () => {
  const loop = new EventLoop();
  const { promises } = timersOf(loop);
  const waiting = codeOf(promises.setTimeout(1));
  await nextTurn();
  // The loop thread fires it while this one sees nothing of it.
  while (timerStats(loop).nativePending > 0 || timerStats(loop).loopLateness.count === 0);
  loop.destroy();
  expect(await waiting).toBe('resolved');
});

test.each(['stop', 'destroy'] as const)('%s() has batchers deliver what they hold', async (how) => {
  const loop = new EventLoop();
  const delivered: number[][] = [];
  const done = new Promise<void>((resolve) => {
    const batcher = new FrameBatcher<number>(
      (items) => {
        delivered.push(items);
        resolve();
      },
      { loop, frameMs: 1e6 },
    );
    batcher.add(1);
    batcher.add(2);
  });
  await nextTurn();
  await endOf(loop, how);
  await done;
  expect(delivered).toEqual([[1, 2]]);
});

test.each(['no timer', 'one that was cleared at once', 'one that fired'])(
  'a loop with %s is collected after its end',
  async (what) => {
    const count = 10;
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const useOne = async () => {
      const loop = new EventLoop();
      registry.register(loop, undefined);
      const { setTimeout, promises } = timersOf(loop);
      if (what === 'one that was cleared at once') setTimeout(() => {}, 1e6).close();
      if (what === 'one that fired') await promises.setTimeout(1);
      await loop.stop();
    };
    for (let i = 0; i < count; i++) await useOne();
    // The last may be on the stack still.
    await expect
      .poll(() => collectGarbage() ?? collected, { timeout: 10_000 })
      .toBeGreaterThanOrEqual(count - 1);
  },
);

// The loop thread has a timer for each user of the loop, and on Linux a file descriptor.
test('what a detached loop had open is closed with its last timer, and not before', async () => {
  const loop = new EventLoop();
  const collectable: Promise<unknown>[] = [];
  const count = 10;
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  const log: string[] = [];
  const useOne = async (how: string) => {
    const attached = EventLoop.attach(loop.handle);
    registry.register(attached, undefined);
    const { setTimeout, setInterval, promises } = timersOf(attached);
    await promises.setTimeout(1);
    if (how === 'detach last') return attached.detach();
    const interval = setInterval(() => {
      interval.close();
      log.push('tick');
    }, 10);
    setTimeout(() => log.push('timeout'), 5);
    const never = setTimeout(() => expect.unreachable(), 1e6);
    collectable.push(promises.setTimeout(30).then(() => never.close()));
    attached.detach();
  };
  for (let i = 0; i < count; i++) await useOne(i % 2 === 0 ? 'detach last' : 'detach first');
  await Promise.all(collectable.splice(0));
  expect(log.filter((what) => what === 'tick')).toHaveLength(count / 2);
  expect(log.filter((what) => what === 'timeout')).toHaveLength(count / 2);
  await expect
    .poll(() => collectGarbage() ?? collected, { timeout: 10_000 })
    .toBeGreaterThanOrEqual(count - 1);
  await loop.stop();
});
