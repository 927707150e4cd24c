// What is ours and not Node's: long delays, refused nonsense, what crosses to the loop thread and what does not. A failure
// here means a timer that fires early or twice, or memory that grows with what was cleared.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import {
  setTimeout as sharedTimeout,
  type TimerFunctions,
  timerStats,
  timersOf,
} from '../../lib/timers/index.js';
import { blockThread } from '../block-thread.js';
import { thrownBy } from '../thrown-by.js';
import { collectGarbage, isArgumentError, nextTurn } from './wait.js';

let loop: EventLoop;
let timers: TimerFunctions;
beforeEach(() => {
  loop = new EventLoop();
  timers = timersOf(loop);
});
afterEach(() => loop.stop());

/** Resolves when the loop thread has done all that was handed over before. */
async function settled(): Promise<void> {
  await nextTurn();
  await new Promise<void>((resolve) => loop.post(resolve));
}

describe('a delay', () => {
  test.each([0, 0.25, 1, 1.5, 10, 33.3])('of %f ms is never cut short', async (ms) => {
    for (let i = 0; i < 10; i++) {
      const start = performance.now();
      await new Promise<void>((resolve) => timers.setTimeout(resolve, ms));
      expect(performance.now() - start).toBeGreaterThanOrEqual(ms);
    }
  });

  test('is counted from the call, not from the end of a turn that takes long', async () => {
    const order: string[] = [];
    timers.setTimeout(() => order.push('set first'), 40);
    blockThread(60);
    await new Promise<void>((resolve) => {
      timers.setTimeout(() => {
        order.push('set last');
        resolve();
      }, 0);
    });
    expect(order).toEqual(['set first', 'set last']);
  });

  test('of more than 24 days does not fire at once, as it would in Node', async () => {
    const fired: number[] = [];
    const delays = [2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER];
    const set = delays.map((ms) => timers.setTimeout(() => fired.push(ms), ms));
    await timers.promises.setTimeout(20);
    expect(fired).toEqual([]);
    expect(timerStats(loop)).toMatchObject({ pending: 3, nativePending: 3 });
    for (const timer of set) timer.close();
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '5', null, {}, 5n])(
    'of %s is refused',
    (ms) => {
      expect(thrownBy(() => timers.setTimeout(() => {}, ms as number))).toSatisfy(isArgumentError);
    },
  );

  test('is 0 where there is none', async () => {
    await new Promise<void>((resolve) => timers.setTimeout(resolve));
    await timers.promises.setTimeout();
  });
});

test('a callback must be a function, a loop a loop', () => {
  expect(thrownBy(() => timers.setTimeout('code' as never, 1))).toSatisfy(isArgumentError);
  expect(thrownBy(() => timers.setInterval(undefined as never, 1))).toSatisfy(isArgumentError);
  expect(thrownBy(() => timersOf({} as never))).toSatisfy(isArgumentError);
  expect(thrownBy(() => timerStats('loop' as never))).toSatisfy(isArgumentError);
});

describe('what crosses', () => {
  test('nothing, for timers set and cleared in the same turn', async () => {
    await settled();
    const { postsAccepted } = loop.stats();
    for (let i = 0; i < 1000; i++) timers.setTimeout(() => {}, 10).close();
    timers.setInterval(() => {}, 10).close();
    await nextTurn();
    expect(loop.stats().postsAccepted).toBe(postsAccepted);
    expect(timerStats(loop)).toMatchObject({ pending: 0, nativePending: 0, cancelled: 1001 });
  });

  test('one job, for all timers set and cleared in a turn', async () => {
    const kept = Array.from({ length: 500 }, () => timers.setTimeout(() => {}, 1e6));
    await settled();
    const { postsAccepted } = loop.stats();
    for (const timer of kept) timer.close();
    for (let i = 0; i < 3000; i++) timers.setTimeout(() => {}, 1e6);
    await nextTurn();
    expect(loop.stats().postsAccepted - postsAccepted).toBe(1);
    await settled();
    expect(timerStats(loop)).toMatchObject({ pending: 3000, nativePending: 3000 });
  });
});

test('every one of many timers fires once, in the order of the due times', async () => {
  const count = 20_000;
  const fired: number[] = [];
  // A timer's due time lies between these, as it was set between two looks at the clock.
  const earliest: number[] = [];
  const latest: number[] = [];
  await new Promise<void>((resolve) => {
    for (let i = 0; i < count; i++) {
      const ms = (i * 7919) % 50;
      earliest.push(performance.now() + ms);
      timers.setTimeout(() => {
        fired.push(i);
        if (fired.length === count) resolve();
      }, ms);
      latest.push(performance.now() + ms);
    }
  });
  expect(new Set(fired).size).toBe(count);
  // Those that came due while others were still being set are in order as well.
  for (let i = 1; i < count; i++) {
    const [before, after] = [fired[i - 1] as number, fired[i] as number];
    expect((latest[after] as number) - (earliest[before] as number)).toBeGreaterThanOrEqual(0);
  }
  const { nativePending, fired: ran, loopLateness, jsLateness } = timerStats(loop);
  expect({ nativePending, ran }).toEqual({ nativePending: 0, ran: count });
  expect([loopLateness.count, jsLateness.count]).toEqual([count, count]);
  expect(jsLateness.max).toBeGreaterThanOrEqual(loopLateness.min);
});

test('a busy thread finds its timers fired, and does its other work between them', async () => {
  let fired = 0;
  let turns = 0;
  for (let i = 0; i < 5000; i++) timers.setTimeout(() => fired++, 1);
  await nextTurn();
  blockThread(50);
  while (fired < 5000) {
    await nextTurn();
    turns++;
  }
  // 5000 callbacks in one turn would hold everything else up.
  expect(turns).toBeGreaterThanOrEqual(4);
});

test('memory does not grow with what was set and cleared', async () => {
  const round = async () => {
    const set = Array.from({ length: 10_000 }, () => timers.setTimeout(() => {}, 1e6));
    await nextTurn();
    for (const timer of set) timer.close();
    await nextTurn();
  };
  await round();
  await settled();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 50; i++) await round();
  await settled();
  collectGarbage();
  // Half a million of them; a leak of one word each would be 4 MB.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(2e6);
  expect(timerStats(loop)).toMatchObject({ pending: 0, nativePending: 0, cancelled: 510_000 });
  expect(timerStats(loop).nativeBytes).toBeLessThan(64 * 1024);
});

test('a pending timer takes less than 32 bytes on the loop thread', async () => {
  const count = 100_000;
  const set = Array.from({ length: count }, () => timers.setTimeout(() => {}, 1e6));
  await settled();
  expect(timerStats(loop).nativePending).toBe(count);
  // The tables grow by doubling.
  expect(timerStats(loop).nativeBytes / count).toBeLessThan(2 * 20 + 1);
  for (const timer of set) timer.close();
});

test('what a cleared timer held on to is free, though the timer is kept', async () => {
  const kept: unknown[] = [];
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  (() => {
    for (let i = 0; i < 10; i++) {
      const big = { i };
      registry.register(big, undefined);
      const timer = timers.setTimeout((held: object) => [big, held], 1e6, big);
      kept.push(timer);
      timer.close();
    }
  })();
  while (collected < 10) {
    collectGarbage();
    await nextTurn();
  }
  expect(kept).toHaveLength(10);
});

test('the functions without a loop use the shared one', async () => {
  const before = timerStats().fired;
  await new Promise<void>((resolve) => sharedTimeout(resolve, 1));
  expect(timerStats().fired).toBe(before + 1);
});

test('a report is known for one in a context of its own, where Int32Array is another', async () => {
  const ours = globalThis.Int32Array;
  globalThis.Int32Array = class extends ours {} as typeof ours;
  try {
    await timers.promises.setTimeout(1);
    await timers.promises.setTimeout(1);
  } finally {
    globalThis.Int32Array = ours;
  }
});
