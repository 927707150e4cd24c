// How threads end that share a loop and a connection: the one that made them, one that uses them, or
// all at once. A failure here is a crash, a hang, or a thread that takes another's replies with it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { type Ending, endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('shared', name, server.url)).toEqual(everyRun(ending));
}

describe('threads that share a loop', { timeout: 60_000 }, () => {
  test('Workers are terminated in mid-flight', () =>
    expectEveryRun('terminatesBusyWorkers', { stdout: '[true,1]\n' }));

  test('Workers are terminated at any step of the binding', () =>
    expectEveryRun('terminatesInTheBinding', { stdout: '"PONG"\n' }));

  test('the process exits with all of them in mid-flight', () =>
    expectEveryRun('exitsWithBusyWorkers', { code: 8 }));

  test('the Worker that owns it is terminated', async () => {
    const stdout = expect.stringMatching(
      /^\["ERR_SIDELOOP_(DESTROYED|STOPPED|REDIS_CLOSED)",false\]\n$/,
    );
    await expectEveryRun('terminatesTheOwner', { stdout });
  });

  test('all return', () => expectEveryRun('returns', { stdout: '["PONG",0,"PONG"]\n' }));

  test('it is stopped under them', () =>
    expectEveryRun('stopsUnderBusyWorkers', { stdout: '[true,true]\n' }));
});
