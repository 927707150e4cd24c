// What makes tests fail on a slower machine, found by reading them. A failure names a line that waits for an event which may be
// over already, or for a fixed time in place of an event.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = (readdirSync(folder, { recursive: true }) as string[]).filter((path) =>
  /\.(ts|mjs)$/.test(path),
);

/** The lines of all tests at which `isFault` finds one; it gets the last line of code and of comment before it, too. */
function faults(isFault: (line: string, codeBefore: string, commentBefore: string) => boolean) {
  const found: string[] = [];
  for (const path of files) {
    let code = '';
    let comment = '';
    for (const [i, line] of readFileSync(join(folder, path), 'utf8').split('\n').entries()) {
      if (isFault(line, code, comment)) found.push(`${path}:${i + 1}: ${line.trim()}`);
      if (/^\s*(\/\/|\/?\*)/.test(line)) comment = line;
      else if (line.trim() !== '') [code, comment] = [line, ''];
    }
  }
  return found;
}

test('who waits for an event of a client listens before that which causes it', () => {
  const late = /^\s*await nextEvent\(/;
  // Behind another of its events, the turn is the same.
  const isFault = (line: string, before: string) =>
    late.test(line) && before.includes('await ') && !late.test(before);
  expect(faults(isFault)).toEqual([]);
});

test('time that passes is the subject of the test, and a comment says so', () => {
  const wait = /await (?:new Promise.*setTimeout\(\w+, |sleep\(|\w*Idles\()(\d+)/;
  // Shorter ones are the steps of a loop that waits for something.
  const isLong = (line: string) => Number(wait.exec(line)?.[1] ?? 0) >= 20;
  expect(faults((line, _, comment) => isLong(line) && !/window|pace/.test(comment))).toEqual([]);
});
