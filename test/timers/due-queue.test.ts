// What is due runs turn by turn, however it came to be in the queue. A failure here is a callback that overtakes others, a
// queue that grows by what has left it, or figures read from beyond their array.

import { expect, test } from 'vitest';
import { now } from '../../lib/timers/clock.js';
import { DueQueue, type Runnable } from '../../lib/timers/due-queue.js';
import { collectGarbage, nextTurn } from './wait.js';

const MOST_MEASURED = 1024;

function runnableOf(run: () => void): Runnable {
  return { turn: 0, due: now(), run };
}

test('one that is set anew while it waits goes behind all that is due', async () => {
  const log: string[] = [];
  const queue = new DueQueue(() => {});
  const [a, b, c] = ['a', 'b', 'c'].map((name) => runnableOf(() => log.push(name))) as [
    Runnable,
    Runnable,
    Runnable,
  ];
  for (const runnable of [a, b, c]) queue.add(runnable);
  b.turn = 0;
  queue.add(b);
  queue.add(b);
  queue.begin();
  await nextTurn();
  await nextTurn();
  expect(log).toEqual(['a', 'c', 'b']);
});

test('each is measured once, though the queue is added to within a pass', async () => {
  const counts: number[] = [];
  const queue = new DueQueue((lateness, count) => {
    expect(lateness.length).toBeGreaterThanOrEqual(count);
    counts.push(count);
  });
  const count = 4 * MOST_MEASURED;
  let ran = 0;
  for (let i = 0; i < count; i++) {
    queue.add(
      runnableOf(() => {
        ran++;
        // As messages that arrive do.
        queue.begin();
      }),
    );
  }
  queue.begin();
  while (ran < count) await nextTurn();
  await nextTurn();
  expect(Math.max(...counts)).toBeLessThanOrEqual(MOST_MEASURED);
  expect(counts.reduce((sum, n) => sum + n)).toBe(count);
});

test('what has run is free, though the queue is never empty', async () => {
  const queue = new DueQueue(() => {});
  const registry = new FinalizationRegistry(() => collected++);
  const added = 20 * MOST_MEASURED;
  let collected = 0;
  let left = added;
  const addOne = () => {
    if (left-- <= 0) return;
    const runnable = runnableOf(addOne);
    registry.register(runnable, undefined);
    queue.add(runnable);
  };
  for (let i = 0; i < 2 * MOST_MEASURED; i++) addOne();
  queue.begin();
  let most = 0;
  while (left > 0) {
    await nextTurn();
    collectGarbage();
    await nextTurn();
    most = Math.max(most, collected);
  }
  expect(most).toBeGreaterThan(added / 4);
});
