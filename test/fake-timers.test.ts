// Tests of applications replace timers, queues and clocks by fake ones. A failure here is such a test that hangs, because
// what lives on a loop thread was stopped by a clock that is not its own.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startRedisServer } from './redis-server.js';

test('fake queues and clocks stop nothing that is under way', async () => {
  await using server = await startRedisServer();
  const child = fileURLToPath(new URL('children/fake-timers.mjs', import.meta.url));
  const run = promisify(execFile)(process.execPath, [child, server.url], { timeout: 30_000 });
  expect(JSON.parse((await run).stdout)).toEqual({
    sets: 5000,
    get: '4999',
    pipeline: [[null, 1]],
    post: 'ran',
    timer: 'fired',
    promise: 'fired',
    file: true,
    released: true,
    quit: 'OK',
    end: 'end',
  });
});

test('all of lib takes the queues of Node from turns.ts', async () => {
  const lib = fileURLToPath(new URL('../lib/', import.meta.url));
  const found: string[] = [];
  for (const name of await readdir(lib, { recursive: true })) {
    if (!name.endsWith('.ts') || name === 'turns.ts') continue;
    const text = await readFile(`${lib}${name}`, 'utf8');
    const code = text.replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '');
    const uses = /process\.nextTick|\b(queueMicrotask|setImmediate)\b/.exec(code)?.[0];
    const imports = code.match(/import \{[^}]*\} from '[./]*\/turns\.js'/)?.[0] ?? '';
    if (uses !== undefined && !imports.includes(uses)) found.push(`${name}: ${uses}`);
  }
  expect(found).toEqual([]);
});
