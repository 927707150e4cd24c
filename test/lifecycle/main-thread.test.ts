// How a process ends that has loops and connections. A failure here is a crash, a hang or a line on
// stderr at the end of somebody's program, or a promise that never settled.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { type Ending, endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('main-thread', name, server.url)).toEqual(everyRun(ending));
}

describe('the main thread returns', { timeout: 60_000 }, () => {
  test('an idle connection does not keep the process alive', () =>
    expectEveryRun('returnsWithIdleConnection', { stdout: 'PONG\n' }));

  test('a command in flight keeps it alive until the reply', () =>
    expectEveryRun('returnsWithCommandInFlight', { stdout: 'null\n' }));

  test('a connect() that somebody waits for keeps it alive until then', () =>
    expectEveryRun('returnsWhileConnecting', { stdout: 'ready\n' }));

  test('a posted task keeps it alive until it ran', () =>
    expectEveryRun('returnsWithPostPending', { stdout: 'ran\n' }));

  test('a command on an unreferenced loop does not', () =>
    expectEveryRun('returnsWithUnreferencedLoop', {}));

  test('a reconnect that nobody waits for does not', () =>
    expectEveryRun('returnsWhileReconnecting', { stdout: 'reconnecting\n' }));

  test('disconnect() settles what is in flight, and nobody need listen', () =>
    expectEveryRun('closesWithoutListeners', { stdout: '5000\n' }));

  test('clients that nobody holds are collected after their end, and not before', () =>
    expectEveryRun('collectsClients', { stdout: '[null,"collected"]\n' }));
});

describe('process.exit()', { timeout: 60_000 }, () => {
  test('with commands in flight', () => expectEveryRun('exitsWithCommandsInFlight', { code: 3 }));

  test('inside the callback of a reply', () =>
    expectEveryRun('exitsInReply', { code: 4, stdout: 'PONG\n' }));

  test('with posts pending', () => expectEveryRun('exitsWithPostsPending', { code: 5 }));

  test('while a name is being resolved', () => expectEveryRun('exitsWhileResolving', { code: 6 }));
});

test('an uncaught exception ends the process as it always does', { timeout: 60_000 }, async () => {
  const thrown = expect.stringMatching(
    /^[^\n]+main-thread\.mjs:\d+\n.*Error: thrown on purpose\n/s,
  );
  const endings = await endingsOf('main-thread', 'throws', server.url);
  expect(endings).toEqual(everyRun({ code: 1, stderr: thrown }));
  // Nothing but that: no rejection of what was in flight.
  for (const { stderr } of endings) expect(stderr.match(/^\S*Error/gm)).toHaveLength(1);
});

test('a task that throws is an uncaught exception and stops no other', { timeout: 60_000 }, () =>
  expectEveryRun('throwsInPost', { stdout: 'before\nthrown on purpose\nafter\n' }),
);

describe('a loop ends', { timeout: 60_000 }, () => {
  test('stop() lets all that was accepted finish', () =>
    expectEveryRun('stopsInFlight', { stdout: '{"replied":5000,"posts":100}\n' }));

  test('stop() before the connection is up sends what waits for it', () =>
    expectEveryRun('stopsWhileConnecting', { stdout: '{"replied":10}\n' }));

  test('destroy() runs what was posted and settles everything', async () => {
    for (const { stdout, ...ending } of await endingsOf(
      'main-thread',
      'destroysInFlight',
      server.url,
    )) {
      expect(ending).toEqual({ code: 0, signal: null, stderr: '' });
      const [blocked, { ERR_SIDELOOP_DESTROYED: destroyed = 0, replied = 0, ...others }, posts] =
        JSON.parse(stdout);
      expect(blocked).toBe('ERR_SIDELOOP_DESTROYED');
      expect(destroyed + replied).toBe(5000);
      expect(others).toEqual({});
      expect(posts).toBe(100);
    }
  });

  test('destroy() in a posted task', () =>
    expectEveryRun('destroysInPost', { stdout: 'post 0\npost 1\npost 2\n' }));

  test('destroy() in the callback of a reply', () =>
    expectEveryRun('destroysInReply', { stdout: 'ERR_SIDELOOP_DESTROYED\n' }));
});
