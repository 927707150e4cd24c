// How a process ends that holds leases, or waits for one. A failure here is a crash, a hang, a process that ends too early,
// or a lease that nobody else can have although its holder is gone.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { type Ending, endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('lease', name, server.url)).toEqual(everyRun(ending));
}

/** None of the runs has left a lease. */
async function expectNoLease(): Promise<void> {
  expect(await server.cli('KEYS', 'job *')).toBe('');
}

describe('what holds the process', { timeout: 60_000 }, () => {
  test('a lease does, and it is renewed', () =>
    expectEveryRun('leaseHolds', { stdout: '["held",true]\n' }));
  test('one that waits does', () => expectEveryRun('waiterHolds', { stdout: '"granted"\n' }));
  test('an unreferenced lease does not, and is given back', async () => {
    await expectEveryRun('unreferencedDoesNot', { stdout: '"held"\n' });
    await expectNoLease();
  });
  test('its release does, also of an unreferenced one', () =>
    expectEveryRun('releaseHolds', { stdout: 'true\n' }));
  test('one that is over does not', () =>
    expectEveryRun('releasedDoesNot', { stdout: '"released"\n' }));
  test('leases of an unreferenced loop do not', () =>
    expectEveryRun('unreferencedLoopDoesNot', { stdout: '"held"\n' }));
});

describe('the process ends', { timeout: 60_000 }, () => {
  test('by process.exit() with leases and waiters, which it gives back', async () => {
    await expectEveryRun('exitsWithLeases', { code: 3 });
    await expectNoLease();
  });
  test('by an exception with leases', () =>
    expectEveryRun('throwsWithLeases', { code: 7, stderr: expect.stringContaining('on purpose') }));
  test('by process.exit() while much is acquired and released', () =>
    expectEveryRun('exitsInTraffic', { code: 4 }));
});

describe('Workers', { timeout: 60_000 }, () => {
  test('are terminated with leases on a loop of the main thread', () =>
    expectEveryRun('attachedWorkersAreTerminated', { stdout: '"all had it"\n' }));
  test('are terminated in the midst of acquiring and releasing', () =>
    expectEveryRun('busyWorkersAreTerminated', { stdout: '"mine"\n' }));
  test('hold leases when the main thread calls process.exit()', () =>
    expectEveryRun('exitsWithWorkers', { code: 5 }));
});

test('a lease that was let go of is collected, and so is its client', { timeout: 60_000 }, () =>
  expectEveryRun('collectsWhatIsOver', { stdout: '"collected"\n' }),
);
