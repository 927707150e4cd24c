// The promise forms: arguments and errors are those of node:timers/promises. A failure here is a wait that never settles,
// or an abort that nobody hears.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { promises, type TimerFunctions, timerStats, timersOf } from '../../lib/timers/index.js';
import * as subpath from '../../lib/timers/promises.js';
import { isArgumentError } from './wait.js';

let loop: EventLoop;
let timers: TimerFunctions;
beforeEach(() => {
  loop = new EventLoop();
  timers = timersOf(loop);
});
afterEach(() => loop.stop());

const rejectionOf = (promise: Promise<unknown>) =>
  promise.then(
    (value) => expect.unreachable(`resolved with ${value}`),
    (error) => error,
  );

test('the subpath has the same functions', () => {
  expect(subpath.setTimeout).toBe(promises.setTimeout);
  expect(subpath.setInterval).toBe(promises.setInterval);
});

describe('setTimeout()', () => {
  test('resolves with its value, in time', async () => {
    const start = performance.now();
    expect(await timers.promises.setTimeout(15, 'value')).toBe('value');
    expect(performance.now() - start).toBeGreaterThanOrEqual(15);
    expect(await timers.promises.setTimeout(1)).toBeUndefined();
  });

  test('rejects at once where the signal is aborted already', async () => {
    const signal = AbortSignal.abort('why');
    const error = await rejectionOf(timers.promises.setTimeout(1e6, null, { signal }));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'why' });
    expect(timerStats(loop).pending).toBe(0);
  });

  test('rejects when it is aborted, and forgets the timer', async () => {
    const controller = new AbortController();
    const waiting = rejectionOf(
      timers.promises.setTimeout(1e6, null, { signal: controller.signal }),
    );
    await timers.promises.setTimeout(1);
    expect(timerStats(loop).pending).toBe(1);
    controller.abort(new Error('enough'));
    const error = await waiting;
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    expect(error.cause).toEqual(new Error('enough'));
    expect(timerStats(loop).pending).toBe(0);
  });

  test('an abort after its end is nobody’s', async () => {
    const controller = new AbortController();
    expect(await timers.promises.setTimeout(1, 'v', { signal: controller.signal })).toBe('v');
    controller.abort();
  });

  test('rejects for wrong arguments', async () => {
    for (const ms of [-1, Number.NaN, '5']) {
      expect(await rejectionOf(timers.promises.setTimeout(ms as number))).toSatisfy(
        isArgumentError,
      );
    }
    for (const options of [null, 'o', { signal: {} }, { ref: 1 }]) {
      const promise = timers.promises.setTimeout(1, null, options as never);
      expect(await rejectionOf(promise)).toSatisfy(isArgumentError);
    }
  });
});

describe('setInterval()', () => {
  test('yields its value at each tick until the loop is left', async () => {
    const start = performance.now();
    let times = 0;
    for await (const value of timers.promises.setInterval(10, 'tick')) {
      expect(value).toBe('tick');
      if (++times === 5) break;
    }
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
    expect(timerStats(loop).pending).toBe(0);
  });

  test('ticks that come while the consumer is busy are one', async () => {
    const period = 50;
    const start = performance.now();
    let times = 0;
    for await (const _ of timers.promises.setInterval(period)) {
      if (++times === 1) await timers.promises.setTimeout(3.2 * period);
      if (times === 4) break;
    }
    // Three ticks came while it was busy, at the least, and two of them were not made up for.
    expect(times).toBeLessThanOrEqual(Math.floor((performance.now() - start) / period) - 2);
  });

  test('throws when it is aborted, while it waits and while it does not', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let times = 0;
    const waiting = (async () => {
      for await (const _ of timers.promises.setInterval(5, null, { signal })) {
        if (++times === 3) controller.abort('enough');
      }
    })();
    expect(await rejectionOf(waiting)).toMatchObject({ code: 'ABORT_ERR', cause: 'enough' });
    expect(times).toBe(3);
    const asleep = new AbortController();
    const next = timers.promises.setInterval(1e6, null, { signal: asleep.signal }).next();
    await timers.promises.setTimeout(2);
    asleep.abort();
    expect(await rejectionOf(next)).toMatchObject({ code: 'ABORT_ERR' });
    expect(
      await rejectionOf(timers.promises.setInterval(1, null, { signal }).next()),
    ).toMatchObject({ code: 'ABORT_ERR' });
    expect(timerStats(loop).pending).toBe(0);
  });

  test('an abort ends the interval, though nobody asks for the next tick', async () => {
    const controller = new AbortController();
    const ticks = timers.promises.setInterval(5, null, { signal: controller.signal });
    await ticks.next();
    expect(timerStats(loop).pending).toBe(1);
    controller.abort();
    expect(timerStats(loop).pending).toBe(0);
    expect(await rejectionOf(ticks.next())).toMatchObject({ code: 'ABORT_ERR' });
  });

  test('throws for wrong arguments', async () => {
    expect(await rejectionOf(timers.promises.setInterval(0).next())).toSatisfy(isArgumentError);
  });
});
