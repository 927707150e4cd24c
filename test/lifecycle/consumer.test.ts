// How a process or a Worker ends that has a consumer. A failure here is a crash, a hang, a process that ends too early or
// not at all, or jobs that a dead thread keeps for itself.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { type Ending, endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('consumer', name, server.url)).toEqual(everyRun(ending));
}

describe('what holds the process', { timeout: 60_000 }, () => {
  test('an open consumer does', () =>
    expectEveryRun('openHoldsTheProcess', { stdout: '"closed"\n' }));
  test('an unreferenced one does not', () =>
    expectEveryRun('unreferencedDoesNot', { stdout: '"ran"\n' }));
  test('one that was never asked for a job does not', () =>
    expectEveryRun('unusedDoesNot', { stdout: '"quit"\n' }));
  test('a closed one does not', () => expectEveryRun('closedDoesNot', { stdout: '[]\n' }));
});

describe('the process ends', { timeout: 60_000 }, () => {
  test('by process.exit() in a handler', () => expectEveryRun('exitsInAHandler', { code: 3 }));
  test('with an ack that is staged', () =>
    expectEveryRun('handsOverAcksAtExit', { code: 4, stdout: '"exits"\n' }));
  test('by itself after a handler threw', () =>
    expectEveryRun('throwsInAHandler', { stdout: '1\n' }));
});

describe('a loop ends', { timeout: 60_000 }, () => {
  test('by stop()', () =>
    expectEveryRun('loopStops', { stdout: `${JSON.stringify(Array(5).fill('loop-stopped'))}\n` }));
  test('by destroy() in a handler', () =>
    expectEveryRun('loopIsDestroyedInAHandler', { stdout: '"ended"\n' }));
});

describe('a Worker', { timeout: 60_000 }, () => {
  test('is terminated, on a loop that lives on: its jobs are handed back', () =>
    expectEveryRun('workerIsTerminated', { stdout: '[1,1,1,2,2,2]\n' }));
  test('is terminated with its loop', () =>
    expectEveryRun('workersOwnLoopsAreTerminated', { stdout: '"terminated"\n' }));
  test('works when the main thread calls process.exit()', () =>
    expectEveryRun('exitsWithBusyWorkers', { code: 8 }));
});
