// What Workers write and log, on its way to the thread that made the loop. A failure here is a line that is lost, doubled or
// out of order.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forwardOutput, type OutputEntry, receiveOutput } from '../../lib/bridge/index.js';
import { EventLoop } from '../../lib/index.js';
import { thrownBy } from '../thrown-by.js';
import { gather } from './gather.js';
import { startWorker } from './start-worker.js';

const start = (name: string, data: Record<string, unknown> = {}) =>
  startWorker(name, { handle: loop.handle, ...data }, 'bridge-worker.mjs');

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.stop());

const argumentError = expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' });

describe('output', () => {
  test('of both streams and records arrives in the order written, to the last', async () => {
    const { all, add, done } = gather<OutputEntry>(10);
    receiveOutput(loop, add);
    await start('writes').ended;
    await done;
    expect(all.map((entry) => (entry.kind === 'log' ? entry.message : entry.text))).toEqual([
      'one\n',
      'two',
      'three\n',
      'four',
      ' ä\n',
      'five',
      '\u20ac',
      '\ufffd!',
      '{ six: 6 }\n',
      'at the end\n',
    ]);
    expect(all.map(({ kind }) => kind).join(' ')).toBe(
      'stdout log stderr stdout stdout stderr stdout stderr stdout stdout',
    );
    expect(all[1]).toMatchObject({ level: 'info', data: { n: 2 }, time: expect.any(Number) });
    expect(new Set(all.map(({ from }) => from.name))).toEqual(new Set(['writer']));
  });

  test('is held back at the bound, and none of it is lost', async () => {
    const texts: string[] = [];
    receiveOutput(loop, (entry) => texts.push(entry.kind === 'log' ? '' : entry.text));
    const { said } = start('writesMuch', { count: 500 });
    expect(await said()).toBe(true);
    expect(texts).toEqual(Array.from({ length: 500 }, (_, i) => `${i}\n`));
  });

  test('is what it was at the call, in memory that is used again', async () => {
    const { all, add, done } = gather<OutputEntry>(8);
    receiveOutput(loop, add);
    using output = forwardOutput(loop);
    const memory = Buffer.alloc(20_000);
    const data = { n: -1 };
    for (let i = 0; i < 4; i++) {
      process.stdout.write(memory.fill(65 + i));
      data.n = i;
      output.log('info', 'record', data);
    }
    memory.fill(0);
    output.close();
    await done;
    expect(all.map((entry) => (entry.kind === 'log' ? entry.data : entry.text))).toEqual(
      ['A', 'B', 'C', 'D'].flatMap((letter, n) => [letter.repeat(20_000), { n }]),
    );
  });

  test('is forwarded once at a time', async () => {
    const before = process.stdout.write;
    const output = forwardOutput(loop);
    expect(thrownBy(() => forwardOutput(loop))).toEqual(argumentError);
    output.close();
    expect(process.stdout.write).toBe(before);
    expect(thrownBy(() => receiveOutput(loop, 7 as never))).toEqual(argumentError);
  });
});

test('printed output is not forwarded again', async () => {
  const printed: string[] = [];
  const own = process.stdout.write;
  process.stdout.write = ((text: string) => printed.push(text) > 0) as typeof own;
  try {
    receiveOutput(loop);
    using output = forwardOutput(loop, { source: 'me' });
    process.stdout.write('a line\n');
    await output.drained();
    // Another way round: what was printed and came back would be printed by now.
    process.stdout.write('the last\n');
    await output.drained();
  } finally {
    process.stdout.write = own;
  }
  expect(printed).toEqual(['[me] a line\n', '[me] the last\n']);
});
