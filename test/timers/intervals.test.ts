// Intervals of one period share a tick. A failure here means ticks that drift, calls that come too early or in a burst,
// or a loop that goes on waking up for nobody.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import {
  type Interval,
  type TimerFunctions,
  timerStats,
  timersOf,
} from '../../lib/timers/index.js';
import { blockThread } from '../block-thread.js';
import { thrownBy } from '../thrown-by.js';
import { isArgumentError, nextTurn } from './wait.js';

let loop: EventLoop;
let timers: TimerFunctions;
beforeEach(() => {
  loop = new EventLoop();
  timers = timersOf(loop);
});
afterEach(() => loop.stop());

/** Resolves with the times of `count` calls of a new interval, which ends then. */
function callsOf(
  ms: number,
  count: number,
  note?: (interval: Interval) => void,
): Promise<number[]> {
  const times: number[] = [];
  return new Promise((resolve) => {
    const interval = timers.setInterval(() => {
      times.push(performance.now());
      note?.(interval);
      if (times.length < count) return;
      interval.close();
      resolve(times);
    }, ms);
  });
}

test('ticks do not drift', async () => {
  const period = 7.5;
  const start = performance.now();
  let tick = 0;
  const lateness: number[] = [];
  await callsOf(period, 40, (interval) => {
    tick += 1 + interval.missed;
    lateness.push(performance.now() - start - tick * period);
    blockThread(2);
  });
  expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
  // Were each tick counted from the call before, the 2 ms would add up. The least late of many: a busy machine may hold
  // up some of them.
  expect(Math.min(...lateness.slice(20))).toBeLessThan(period);
});

test('a second interval joins the ticks of the first', async () => {
  const log: string[] = [];
  const one = timers.setInterval(() => log.push('one'), 50);
  await timers.promises.setTimeout(70);
  const joinedAt = performance.now();
  const two = callsOf(50, 4, () => log.push('two'));
  await nextTurn();
  await new Promise<void>((resolve) => loop.post(resolve));
  // The loop thread knows of one tick.
  expect(timerStats(loop)).toMatchObject({ pending: 2, nativePending: 1 });
  const [first] = await two;
  one.close();
  expect((first as number) - joinedAt).toBeGreaterThanOrEqual(25);
  expect(log.filter((who) => who === 'two')).toHaveLength(4);
  for (const [i, who] of log.entries()) if (who === 'two') expect(log[i - 1]).toBe('one');
});

// A busy machine may set it later than asked for; the rule holds for whenever it was.
test.each([0.1, 0.45, 0.55, 0.9])(
  'set at %f of a period, it waits for half a period at least',
  async (share) => {
    const period = 100;
    const start = performance.now();
    let ticks = 0;
    const holder = timers.setInterval(() => {
      ticks += 1 + holder.missed;
    }, period);
    await timers.promises.setTimeout(share * period);
    const before = (performance.now() - start) / period;
    let firstTick = 0;
    // Called behind the holder, in the same tick. A late first call stands for the ticks that it missed, too.
    const calls = callsOf(period, 1, (interval) => {
      firstTick = ticks - interval.missed;
    });
    const after = (performance.now() - start) / period;
    await calls;
    holder.close();
    expect(firstTick).toBeGreaterThanOrEqual(Math.ceil(before + 0.5 - 0.01));
    expect(firstTick).toBeLessThanOrEqual(Math.ceil(after + 0.5 + 0.01));
  },
);

test('ticks missed while this thread is busy are one call, which knows how many', async () => {
  const missed: number[] = [];
  const start = performance.now();
  await callsOf(20, 3, (interval) => {
    missed.push(interval.missed);
    if (missed.length === 1) blockThread(210);
  });
  expect(missed[1]).toBeGreaterThanOrEqual(9);
  // Calls and missed ticks are all ticks that there were.
  const ticks = Math.floor((performance.now() - start) / 20);
  const counted = missed.reduce((sum, n) => sum + n + 1, 0);
  expect(counted).toBeGreaterThanOrEqual(12);
  expect(counted).toBeLessThanOrEqual(ticks);
  // The loop thread may itself be late, and merges fewer then.
  expect(timerStats(loop).mergedTicks).toBeGreaterThanOrEqual(1);
});

test('a busy thread is not told of every tick when it comes back', async () => {
  let calls = 0;
  const interval = timers.setInterval(() => calls++, 1);
  await timers.promises.setTimeout(5);
  const before = calls;
  blockThread(200);
  await nextTurn();
  await nextTurn();
  expect(calls - before).toBeLessThanOrEqual(20);
  interval.close();
});

test('when the last interval goes, the loop sleeps', async () => {
  const intervals = [timers.setInterval(() => {}, 2), timers.setInterval(() => {}, 2)];
  await timers.promises.setTimeout(20);
  for (const interval of intervals) interval.close();
  await new Promise<void>((resolve) => loop.post(resolve));
  expect(timerStats(loop)).toMatchObject({ pending: 0, nativePending: 0 });
  const { iterations } = loop.stats();
  // A window for something not to happen in.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(loop.stats().iterations - iterations).toBeLessThanOrEqual(1);
});

test('one that is cleared leaves the others', async () => {
  let stays = 0;
  const other = timers.setInterval(() => expect.unreachable(), 5);
  const calls = callsOf(5, 3, () => stays++);
  other.close();
  await calls;
  expect(stays).toBe(3);
});

test('clearing one in the callback of another of the same tick takes effect', async () => {
  const log: string[] = [];
  const first = timers.setInterval(() => {
    log.push('first');
    second.close();
    first.close();
  }, 5);
  const second = timers.setInterval(() => log.push('second'), 5);
  await timers.promises.setTimeout(30);
  expect(log).toEqual(['first']);
});

test('refresh() begins anew', async () => {
  let calledAt = 0;
  const interval = timers.setInterval(() => {
    calledAt = performance.now();
    interval.close();
  }, 60);
  await timers.promises.setTimeout(40);
  const refreshedAt = performance.now();
  interval.refresh();
  while (calledAt === 0) await timers.promises.setTimeout(10);
  expect(calledAt - refreshedAt).toBeGreaterThanOrEqual(60);
});

test('a throw in one callback is an uncaught exception and stops no other', async () => {
  const uncaught: unknown[] = [];
  const listeners = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    const log: string[] = [];
    const thrower = timers.setInterval(() => {
      throw new Error('thrown on purpose');
    }, 5);
    const next = callsOf(5, 3, () => log.push('next'));
    timers.setTimeout(() => {
      throw new Error('thrown too');
    }, 1);
    timers.setTimeout(() => log.push('timeout'), 1);
    await next;
    thrower.close();
    expect(log.filter((what) => what === 'next')).toHaveLength(3);
    expect(log).toContain('timeout');
    expect(uncaught).toContain('thrown on purpose');
    expect(uncaught.filter((what) => what === 'thrown too')).toHaveLength(1);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener as never);
  }
});

describe('a period', () => {
  test.each([undefined, 0, 0.5, -1, Number.NaN, Number.POSITIVE_INFINITY, '5', 2 ** 60])(
    'of %s is refused',
    (ms) => {
      expect(thrownBy(() => timers.setInterval(() => {}, ms as number))).toSatisfy(isArgumentError);
    },
  );

  test('may be as long as can be counted', () => {
    timers.setInterval(() => expect.unreachable(), Number.MAX_SAFE_INTEGER).close();
    timers.setInterval(() => expect.unreachable(), 2 ** 40);
  });
});
