// How a process or a Worker ends that has sockets and servers. A failure here is a crash, a hang, a descriptor that stays
// open, or a process that ends too early or not at all.

import { execFile } from 'node:child_process';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type Ending, endingsOf, everyRun } from './child.js';

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('net', name)).toEqual(everyRun(ending));
}

describe('what holds the process', { timeout: 60_000 }, () => {
  test('an idle server does', () =>
    expectEveryRun('idleServerHoldsTheProcess', { stdout: '"closed"\n' }));
  test('an idle socket does', () =>
    expectEveryRun('idleSocketHoldsTheProcess', { stdout: '"destroyed"\n' }));
  test('unreferenced ones do not', () =>
    expectEveryRun('unreferencedOnesDoNot', { stdout: '"connected"\n' }));
  test('those of an unreferenced loop do not', () =>
    expectEveryRun('unreferencedLoopDoesNot', { stdout: '"heard"\n' }));
  test('closed ones do not', () => expectEveryRun('endsByItself', { stdout: '"last words"\n' }));
  test('one that never connected does not', () =>
    expectEveryRun('neverConnected', { stdout: '"done"\n' }));
});

describe('the process ends in the midst of traffic', { timeout: 60_000 }, () => {
  test('by process.exit()', () => expectEveryRun('exitsInTraffic', { code: 3 }));
  test('by process.exit() in a listener', () => expectEveryRun('exitsInListener', { code: 4 }));
  test('while it connects', () => expectEveryRun('exitsWhileConnecting', { code: 5 }));
  test('what was staged is handed over', async () => {
    for (const { code, stdout } of await endingsOf('net', 'flushesAtExit')) {
      const [before, after] = stdout.trim().split('\n').map(Number) as [number, number];
      // The write, and the word that the environment has ended.
      expect([code, after - before]).toEqual([6, 2]);
    }
  });
  test('by what a listener throws', () =>
    expectEveryRun('throwsInListener', { code: 7, stdout: '"thrown on purpose"\n' }));
});

describe('a loop ends in the midst of traffic', { timeout: 60_000 }, () => {
  test('by stop()', () => expectEveryRun('stopsInTraffic', { stdout: '20\n' }));
  test('by destroy() in a listener', () =>
    expectEveryRun('destroysInListener', { stdout: '20\n' }));
});

describe('listeners that throw', { timeout: 60_000 }, () => {
  test('do not end the reading', () =>
    expectEveryRun('readsOnAfterThrows', { stdout: '"read all"\n' }));
  test('do not keep an error from the others', () =>
    expectEveryRun('tellsEachOfItsError', {
      stdout: '["server","socket","uncaught"]\n',
    }));
});

describe('a loop of the main thread that Workers have attached to', { timeout: 60_000 }, () => {
  test('closes the sockets of those that are terminated, and no others', () =>
    expectEveryRun('attachedWorkersAreTerminated', { stdout: '["mine go on",true]\n' }));
  test('closes them where its own thread exits', () =>
    expectEveryRun('exitsWithAttachedWorkers', { code: 9 }));
});

test(
  'a loop that ends with the Worker that owns it closes the sockets of the others',
  {
    timeout: 60_000,
  },
  () => expectEveryRun('theOwnerIsTerminated', { stdout: '"closed"\n' }),
);

describe('memory and descriptors', { timeout: 60_000 }, () => {
  test('a closed socket is collected', () =>
    expectEveryRun('collectsSockets', { stdout: '"collected"\n' }));
  test('a small piece of data keeps no more than its slab', () =>
    expectEveryRun('smallPiecesDoNotKeepTheirPass', { stdout: '["kept",true]\n' }));
});

test.skipIf(platform() === 'win32')(
  'out of descriptors it sleeps, and serves again when there are some',
  async () => {
    const child = fileURLToPath(new URL('children/net.mjs', import.meta.url));
    const limited = 'ulimit -n 64; exec "$0" "$1" runsOutOfDescriptors';
    const { stdout } = await promisify(execFile)('sh', ['-c', limited, process.execPath, child]);
    expect(stdout).toBe('[true,true,"served again"]\n');
  },
  60_000,
);

describe('a Worker', { timeout: 60_000 }, () => {
  test('returns when its sockets are closed', () =>
    expectEveryRun('workerReturns', { stdout: '0\n' }));
  test.skipIf(platform() !== 'linux')('is terminated in the midst of traffic', () =>
    expectEveryRun('workerIsTerminated', { stdout: '"closed"\n' }),
  );
  test('several are busy when the main thread calls process.exit()', () =>
    expectEveryRun('workersAreBusyAtExit', { code: 8 }));
});
