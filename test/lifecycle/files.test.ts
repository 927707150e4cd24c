// How a process or a Worker ends that has files under way. Jobs of theirs run on libuv's thread pool, which process.exit()
// takes down, and write to memory that goes away. A failure here is a crash, a hang, or a descriptor that stays open.

import { mkdtempSync, rmSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Ending, endingsOf, everyRun } from './child.js';

const folder = mkdtempSync(join(tmpdir(), 'sideloop-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function expectEveryRun(args: string[], ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('files', folder, ...args)).toEqual(everyRun(ending));
}

describe('process.exit()', { timeout: 120_000 }, () => {
  test('with reads and writes in flight', () => expectEveryRun(['exitsInMidRead'], { code: 3 }));
  test('before any has begun', () => expectEveryRun(['exitsAtOnce'], { code: 4 }));
  test("in a 'data' listener", () => expectEveryRun(['exitsInChunk'], { code: 5 }));
  test('while Workers read and write', () => expectEveryRun(['mainExits'], { code: 7 }));
});

test('an uncaught exception ends the process as it always does', { timeout: 120_000 }, () =>
  expectEveryRun(['throws'], { code: 1, stderr: expect.stringContaining('thrown on purpose') }),
);

describe('the main thread returns', { timeout: 120_000 }, () => {
  test('a read in progress keeps the process alive', () =>
    expectEveryRun(['returnsWithReadInProgress'], { stdout: '5000000\n' }));

  test('what was written gets onto the file', () =>
    expectEveryRun(['returnsWithWriteInProgress'], { stdout: '5000000\n' }));

  test('a stream that was ended closes', () =>
    expectEveryRun(['returnsWithStreamEnding'], { stdout: 'close\n' }));

  test('a stream that nobody reads does not keep it alive', () =>
    expectEveryRun(['returnsWithPausedStream'], { stdout: 'open\n' }));

  test('nor does anything on an unreferenced loop', () =>
    expectEveryRun(['returnsWithUnreferencedLoop'], {}));

  test('the memory of chunks that nobody holds is collected', () =>
    expectEveryRun(['collectsChunks'], { stdout: 'collected\n' }));
});

describe.skipIf(platform() !== 'linux')('every file is closed', { timeout: 120_000 }, () => {
  test('after destroy() of the loop', () =>
    expectEveryRun(['destroysInMidRead'], { stdout: 'closed\n' }));

  test('when a Worker was terminated', () =>
    expectEveryRun(['worker', 'isTerminated'], { stdout: '[1,"closed"]\n' }));

  test('when a Worker was terminated at once', () =>
    expectEveryRun(['worker', 'isTerminatedAtOnce'], { stdout: '[1,"closed"]\n' }));

  test('when a Worker was terminated that had them on a loop of ours', () =>
    expectEveryRun(['workerOnOurLoop'], { stdout: '["closed",5000000]\n' }));

  test('when a Worker called process.exit()', () =>
    expectEveryRun(['worker', 'exits'], { stdout: '[5,"closed"]\n' }));

  test('when a Worker threw', () =>
    expectEveryRun(['worker', 'throws'], { stdout: 'thrown on purpose\n[1,"closed"]\n' }));

  test('when a Worker returned', () =>
    expectEveryRun(['worker', 'returns'], { stdout: '[0,"closed"]\n' }));
});
