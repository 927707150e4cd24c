// How threads end that are bridged. A failure here is a line that was lost at a Worker's end, a crash,
// or a process that does not end because of a bridge.

import { describe, expect, test } from 'vitest';
import { type Ending, endingsOf, everyRun } from './child.js';

async function expectEveryRun(name: string, ending: Partial<Ending>): Promise<void> {
  expect(await endingsOf('bridge', name)).toEqual(everyRun(ending));
}

describe('bridged threads', { timeout: 60_000 }, () => {
  test('a Worker exits right after its last word, which is printed', () =>
    expectEveryRun('prints', {
      stdout: '[w] half a line\n[w] and another\n[w] the last\n',
      stderr: '[w] warn: a record {"n":1}\n',
    }));

  test('a listener that throws is an uncaught exception, and the rest comes', () =>
    expectEveryRun('throws', { stdout: `${'thrown on purpose\n'.repeat(4)}11\n` }));

  test('nobody hears, and the process ends', () =>
    expectEveryRun('returnsUnheard', { stdout: '0\n' }));

  test('a Worker is terminated while it sends and calls', () =>
    expectEveryRun('terminatesBusySenders', { stdout: 'terminated\n' }));

  test('the process exits while Workers send and call', () =>
    expectEveryRun('exitsWithBusySenders', { code: 9 }));
});
