// Items gathered and delivered once per frame. A failure here is an item that is lost or delivered twice, a batcher that
// grows without bound, or a tick for an empty one.

import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { FrameBatcher, timerStats, timersOf } from '../../lib/timers/index.js';
import { blockThread } from '../block-thread.js';
import { thrownBy } from '../thrown-by.js';
import { isArgumentError, nextTurn } from './wait.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.stop());

/** A batcher, and a way to wait for its next delivery. */
function batcherOf(options: { frameMs?: number; maxItems?: number }) {
  const deliveries: number[][] = [];
  let wake = () => {};
  const batcher = new FrameBatcher<number>(
    (items) => {
      deliveries.push(items);
      wake();
    },
    { loop, ...options },
  );
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return { batcher, deliveries, next };
}

test('a frame is delivered in the async context of its batcher', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  let batcher: FrameBatcher<number> | undefined;
  const delivered = new Promise<void>((resolve) => {
    storage.run('the maker', () => {
      batcher = new FrameBatcher(
        () => {
          seen.push(storage.getStore());
          resolve();
        },
        { loop, frameMs: 5 },
      );
    });
  });
  storage.run('who adds', () => batcher?.add(1));
  await delivered;
  expect(seen).toEqual(['the maker']);
});

test('items of one frame are one delivery, in order', async () => {
  const { batcher, deliveries, next } = batcherOf({ frameMs: 10 });
  const start = performance.now();
  for (let i = 0; i < 5; i++) batcher.add(i);
  expect([batcher.size, deliveries]).toEqual([5, []]);
  await next();
  expect(performance.now() - start).toBeGreaterThanOrEqual(10);
  expect([batcher.size, deliveries]).toEqual([0, [[0, 1, 2, 3, 4]]]);
});

test('every item is delivered once, however they come', async () => {
  const { batcher, deliveries, next } = batcherOf({ frameMs: 2, maxItems: 50 });
  const added: number[] = [];
  for (let i = 0; i < 3000; i++) {
    batcher.add(i);
    added.push(i);
    if (i % 97 === 0) await nextTurn();
    if (i % 499 === 0) blockThread(5);
  }
  if (batcher.size > 0) await next();
  expect(deliveries.flat()).toEqual(added);
  for (const items of deliveries) expect(items.length).toBeLessThanOrEqual(50);
});

test('at maxItems it delivers at once', () => {
  const { batcher, deliveries } = batcherOf({ frameMs: 1e6, maxItems: 3 });
  for (let i = 0; i < 7; i++) batcher.add(i);
  expect(deliveries).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  batcher.flush();
  expect(deliveries[2]).toEqual([6]);
  batcher.flush();
  expect(deliveries).toHaveLength(3);
});

test('items added while it delivers are of the next frame', async () => {
  const deliveries: number[][] = [];
  await new Promise<void>((resolve) => {
    const batcher = new FrameBatcher<number>(
      (items) => {
        deliveries.push(items);
        if (deliveries.length < 3) batcher.add(deliveries.length);
        else resolve();
      },
      { loop, frameMs: 2 },
    );
    batcher.add(0);
  });
  expect(deliveries).toEqual([[0], [1], [2]]);
});

test('batchers and intervals of one period share its ticks', async () => {
  const one = batcherOf({ frameMs: 300 });
  const two = batcherOf({ frameMs: 300 });
  one.batcher.add(1);
  two.batcher.add(2);
  const delivered = Promise.all([one.next(), two.next()]);
  const timer = timersOf(loop).setTimeout(() => {}, 1e6);
  const interval = timersOf(loop).setInterval(() => {}, 300);
  await nextTurn();
  await new Promise<void>((resolve) => loop.post(resolve));
  // The timeout, and one tick for the others.
  expect(timerStats(loop).nativePending).toBe(2);
  await delivered;
  timer.close();
  interval.close();
});

test('while it is empty there is no tick', async () => {
  const { batcher, next } = batcherOf({ frameMs: 2 });
  batcher.add(1);
  await next();
  await nextTurn();
  await new Promise<void>((resolve) => loop.post(resolve));
  expect(timerStats(loop).nativePending).toBe(0);
});

test('close() delivers what is left, and refuses more', () => {
  const { batcher, deliveries } = batcherOf({});
  {
    using disposed = batcher;
    disposed.add(1);
  }
  expect(deliveries).toEqual([[1]]);
  expect(thrownBy(() => batcher.add(2))).toMatchObject({ code: 'ERR_SIDELOOP_BATCHER_CLOSED' });
  batcher.close();
  expect(deliveries).toEqual([[1]]);
});

test('what a delivery throws in add() and flush() goes to the caller', () => {
  const batcher = new FrameBatcher<number>(
    () => {
      throw new Error('thrown on purpose');
    },
    { loop, maxItems: 2 },
  );
  batcher.add(1);
  expect(() => batcher.add(2)).toThrow('thrown on purpose');
  expect(batcher.size).toBe(0);
  batcher.add(3);
  expect(() => batcher.close()).toThrow('thrown on purpose');
});

test('a batcher of a stopped loop refuses items', async () => {
  const { batcher } = batcherOf({});
  await loop.stop();
  expect(thrownBy(() => batcher.add(1))).toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
});

test.each([{ frameMs: 0 }, { frameMs: '16' }, { maxItems: 0 }, { maxItems: 1.5 }, { loop: {} }])(
  '%o is refused',
  (options) => {
    expect(thrownBy(() => new FrameBatcher(() => {}, options as never))).toSatisfy(isArgumentError);
  },
);
