// How a Worker ends that has loops and connections of its own. Teardown runs in another order than
// on the main thread, other environments of the process go on, and with the last of them the addon
// could be unmapped under a loop thread that still runs. A failure here is a crash or a hang.

import { platform } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { type Ending, endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('worker', name, server.url)).toEqual(everyRun(ending));
}

describe('a Worker', { timeout: 60_000 }, () => {
  test('returns with an idle connection', () =>
    expectEveryRun('returns', { stdout: '[0,"PONG"]\n' }));

  test('returns when its command in flight has its reply', () =>
    expectEveryRun('returnsWithCommandInFlight', { stdout: '[0,null]\n' }));

  test('calls process.exit() with commands in flight', () =>
    expectEveryRun('exits', { stdout: '[5]\n' }));

  test('throws with commands in flight', () =>
    expectEveryRun('throws', { stdout: '[1,"thrown on purpose"]\n' }));

  test('is terminated with commands and posts in flight', () =>
    expectEveryRun('isTerminated', { stdout: '1\n' }));

  test('is terminated while it starts', async () => {
    // It ends with 1 where it had begun, with 0 where it had not.
    const stdout = expect.stringMatching(/^\[[01]\]\n$/);
    await expectEveryRun('isTerminatedAtOnce', { stdout });
  });
});

// A loop thread that outlives its join, in a name server's time-out for instance, runs on in there.
test.skipIf(platform() !== 'linux')(
  'the addon stays mapped after the last Worker',
  () => expectEveryRun('leavesAddonMapped', { stdout: '[false,true]\n' }),
  60_000,
);

describe('several Workers', { timeout: 60_000 }, () => {
  test('work side by side, each with a loop of its own', () =>
    expectEveryRun('manyReturn', { stdout: 'true\n' }));

  test('are busy when the main thread calls process.exit()', () =>
    expectEveryRun('mainExits', { code: 7 }));
});
