// Bytes are those of the moment of the call, though the caller fills the same memory anew at once. A failure here is a file in
// which pieces are lost and others stand twice, without an error.

import nodeFs from 'node:fs';
import nodeFsPromises from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createWriteStream, writeFile } from '../../lib/fs/index.js';
import { Folder } from './folder.js';

const folder = new Folder();
afterAll(() => folder.remove());

type Stream = ReturnType<typeof createWriteStream>;

const K = 1024;

/** Memory that is used for one piece after the other. */
class Memory {
  readonly expected: Buffer[] = [];
  readonly #bytes: Buffer;

  constructor(size: number) {
    this.#bytes = Buffer.alloc(size);
  }

  /** The next piece, where the one before was. */
  next(size = this.#bytes.length): Buffer {
    const piece = this.#bytes.subarray(0, size).fill(65 + this.expected.length);
    this.expected.push(Buffer.from(piece));
    return piece;
  }

  scribble(): void {
    this.#bytes.fill(255);
  }
}

const ways: [name: string, size: number, write: (stream: Stream, memory: Memory) => unknown][] = [
  [
    'more than is accepted, in one turn',
    256 * K,
    (stream, memory) => {
      for (let i = 0; i < 12; i++) stream.write(memory.next());
      stream.end();
    },
  ],
  [
    'the same in pieces of all sizes',
    300 * K,
    (stream, memory) => {
      for (const size of [300, 1, 16, 15, 17, 100, 300, 299, 2, 300, 64, 300, 65, 300]) {
        stream.write(memory.next(size * K - 1));
      }
      stream.end();
    },
  ],
  [
    'small pieces behind large ones',
    600 * K,
    (stream, memory) => {
      for (let i = 0; i < 3; i++) stream.write(memory.next());
      for (let i = 0; i < 40; i++) stream.write(memory.next(10));
      stream.end();
    },
  ],
  [
    'while it is corked',
    20 * K,
    (stream, memory) => {
      stream.cork();
      for (let i = 0; i < 5; i++) stream.write(memory.next());
      for (let i = 0; i < 5; i++) stream.write(memory.next(100));
      stream.uncork();
      stream.end();
    },
  ],
  [
    'corked twice, over several turns',
    20 * K,
    async (stream, memory) => {
      stream.cork();
      stream.write(memory.next());
      stream.cork();
      await turn();
      stream.write(memory.next());
      stream.uncork();
      stream.write(memory.next());
      await turn();
      stream.uncork();
      stream.end();
    },
  ],
  [
    'the last piece with end(), where others wait',
    700 * K,
    (stream, memory) => {
      for (let i = 0; i < 3; i++) stream.write(memory.next());
      stream.end(memory.next());
    },
  ],
  [
    'the last piece with end(), corked',
    10,
    (stream, memory) => {
      stream.cork();
      stream.write(memory.next());
      stream.end(memory.next());
    },
  ],
  ['a single piece with end()', 100 * K, (stream, memory) => stream.end(memory.next())],
  [
    'from listeners of drain, and past them',
    500 * K,
    async (stream, memory) => {
      for (let i = 0; i < 6; i++) {
        const room = new Promise((resolve) => stream.once('drain', resolve));
        stream.write(memory.next());
        stream.write(memory.next());
        stream.write(memory.next());
        memory.scribble();
        await room;
      }
      stream.end();
    },
  ],
  [
    'views that are no Buffer',
    512 * K,
    (stream, memory) => {
      for (let i = 0; i < 8; i++) {
        const { buffer, byteOffset, length } = memory.next();
        stream.write(
          i % 2 === 0
            ? new DataView(buffer, byteOffset, length)
            : new Float64Array(buffer, byteOffset, length / 8),
        );
      }
      stream.end();
    },
  ],
  [
    'memory that goes to another thread at once',
    0,
    (stream, memory) => {
      for (let i = 0; i < 12; i++) {
        const bytes = new Uint8Array(256 * K).fill(i);
        memory.expected.push(Buffer.from(bytes));
        stream.write(bytes);
        structuredClone(bytes, { transfer: [bytes.buffer] });
      }
      stream.end();
    },
  ],
  [
    'memory that threads share',
    0,
    (stream, memory) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(400 * K));
      for (let i = 0; i < 8; i++) {
        memory.expected.push(Buffer.from(bytes.fill(i)));
        stream.write(bytes);
      }
      bytes.fill(255);
      stream.end();
    },
  ],
];

describe('createWriteStream()', () => {
  // `opens`: the file is open, or is being opened, when the first piece comes.
  for (const opened of [true, false]) {
    test.each(ways)(`${opened ? 'open' : 'opening'}: %s`, async (_name, size, write) => {
      const path = folder.at('reused');
      const memory = new Memory(size);
      const stream = createWriteStream(path);
      const closed = new Promise((resolve) => stream.once('close', resolve));
      if (opened) await new Promise((resolve) => stream.once('ready', resolve));
      const writing = write(stream, memory);
      memory.scribble();
      await writing;
      await closed;
      expect(nodeFs.readFileSync(path).equals(Buffer.concat(memory.expected))).toBe(true);
    });
  }
});

describe('writeFile() of pieces that are made in the same memory', () => {
  type Write = (path: string, data: Iterable<Buffer> | AsyncIterable<Buffer>) => Promise<void>;
  const modules: [name: string, write: Write][] = [
    ['node:fs', nodeFsPromises.writeFile],
    ['sideloop/fs', writeFile],
  ];
  describe.each(modules)('%s', (_module, write) => {
    test.each([3, 10 * K, 100 * K, 700 * K])('of %i bytes each', async (size) => {
      const path = folder.at('pieces');
      const inTurn = new Memory(size);
      await write(
        path,
        (function* () {
          for (let i = 0; i < 9; i++) yield inTurn.next();
        })(),
      );
      expect(nodeFs.readFileSync(path).equals(Buffer.concat(inTurn.expected))).toBe(true);
      const later = new Memory(size);
      await write(
        path,
        (async function* () {
          for (let i = 0; i < 9; i++) {
            if (i % 3 === 0) await turn();
            yield later.next();
          }
        })(),
      );
      expect(nodeFs.readFileSync(path).equals(Buffer.concat(later.expected))).toBe(true);
    });
  });

  test('rejects with what their maker throws, and closes it at an error of the file', async () => {
    const failure = new Error('no more');
    const failing = (async function* () {
      yield 'a';
      throw failure;
    })();
    await expect(writeFile(folder.at('failing'), failing)).rejects.toBe(failure);
    let closed = false;
    const endless = (async function* () {
      try {
        for (;;) {
          yield Buffer.alloc(64 * K);
          await turn();
        }
      } finally {
        closed = true;
      }
    })();
    await expect(writeFile(folder.path, endless)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect.poll(() => closed).toBe(true);
    await expect(writeFile(folder.at('wrong'), ['a', 5] as never)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
  });

  test('is aborted though the next piece never comes', async () => {
    const abort = new AbortController();
    const never = (async function* () {
      yield 'a';
      abort.abort();
      await new Promise(() => {});
    })();
    const writing = writeFile(folder.at('never'), never, { signal: abort.signal });
    await expect(writing).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });
});
