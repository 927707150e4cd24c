// The signals of the process are the host's. A failure here means that a handler of V8's or of the user's debugger runs
// on a loop thread, in the midst of what it does there.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EventLoop } from '../lib/index.js';

const number = { HUP: 1, INT: 2, PIPE: 13, TERM: 15, USR1: 10, USR2: 12, CHLD: 17, PROF: 27 };
const synchronous = { ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, SEGV: 11, SYS: 31 };

/** The mask of blocked signals of this process's thread of that name. */
function blockedSignals(name: string): bigint {
  for (const task of readdirSync('/proc/self/task')) {
    if (readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() !== name) continue;
    const status = readFileSync(`/proc/self/task/${task}/status`, 'utf8');
    return BigInt(`0x${/^SigBlk:\s*([0-9a-f]+)$/m.exec(status)?.[1]}`);
  }
  throw new Error(`There is no thread '${name}'`);
}

describe.runIf(process.platform === 'linux')('a loop thread', () => {
  test('takes no signal of the process, and no more than its own faults', async () => {
    await using loop = new EventLoop({ name: 'signals' });
    await new Promise<void>((resolve) => loop.post(resolve));
    const blocked = blockedSignals(loop.name);
    const isBlocked = (n: number) => ((blocked >> BigInt(n - 1)) & 1n) === 1n;
    for (const [name, n] of Object.entries(number))
      expect([name, isBlocked(n)]).toEqual([name, true]);
    for (const [name, n] of Object.entries(synchronous)) {
      expect([name, isBlocked(n)]).toEqual([name, false]);
    }
  });
});
