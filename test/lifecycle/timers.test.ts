// How a process and a Worker end that have timers. A failure here is a crash or a hang at the end, a timer that kept the
// process alive and should not have, or one that should have and did not.

import { describe, expect, test } from 'vitest';
import { type Ending, endingsOf, everyRun } from './child.js';

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('timers', name)).toEqual(everyRun(ending));
}

describe('the main thread returns', { timeout: 60_000 }, () => {
  test('a pending timer keeps the process alive until it fired', () =>
    expectEveryRun('returnsWithTimerPending', { stdout: 'fired\n' }));

  test('so does a wait', () => expectEveryRun('returnsWithWaitPending', { stdout: 'value\n' }));

  test('an interval does until it is cleared', () =>
    expectEveryRun('returnsWithIntervalCleared', { stdout: 'tick\ntick\n' }));

  test('unreferenced timers do not', () =>
    expectEveryRun('returnsWithUnreferencedTimers', { stdout: 'over\n' }));

  test('items of a batch do', () =>
    expectEveryRun('returnsWithBatchPending', { stdout: '["item"]\n' }));

  test('destroy() in a callback settles the others', () =>
    expectEveryRun('destroysInCallback', { stdout: 'ERR_SIDELOOP_DESTROYED\n' }));

  test('attaching to a loop and detaching leaves no files open on it', () =>
    expectEveryRun('detachesAgainAndAgain', { stdout: 'stay: false\n' }));

  test('a throw in a callback stops no other', () =>
    expectEveryRun('throwsInTimers', { stdout: 'before\nthrown on purpose\nafter\n' }));
});

describe('process.exit()', { timeout: 60_000 }, () => {
  test('in a callback, with timers firing', () =>
    expectEveryRun('exitsWithTimersPending', { code: 3 }));
  test('in the turn that set them', () => expectEveryRun('exitsAtOnce', { code: 4 }));
});

describe('a Worker with timers', { timeout: 60_000 }, () => {
  test('returns when they are over', () => expectEveryRun('workerReturns', { stdout: '0\n' }));
  test('is terminated', () => expectEveryRun('workerIsTerminated', { stdout: '1\n' }));
  test('is terminated with timers on a loop of the main thread, which stays', () =>
    expectEveryRun('workerLeavesNothing', { stdout: 'idle: true\n' }));
  test('calls process.exit()', () => expectEveryRun('workerExits', { stdout: '5\n' }));
  test('is busy when the main thread calls it', () =>
    expectEveryRun('mainExitsWithWorkers', { code: 7 }));
});
