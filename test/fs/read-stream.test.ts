// A file as a stream. A failure here is bytes that are lost, doubled or out of order, memory without a bound, a descriptor
// that stays open, or a stream that behaves otherwise than one of node:fs.

import { AsyncLocalStorage } from 'node:async_hooks';
import nodeFs from 'node:fs';
import { platform } from 'node:os';
import { Readable, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createReadStream, type ReadStreamOptions, readFile } from '../../lib/fs/index.js';
import { Folder } from './folder.js';

const folder = new Folder();
afterAll(() => folder.remove());

const onLinux = test.skipIf(platform() !== 'linux');
const onPosix = test.skipIf(platform() === 'win32');

const next = (stream: NodeJS.EventEmitter, event: string) =>
  new Promise<unknown>((resolve) => stream.once(event, resolve));

describe('createReadStream()', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 524_288, 1_048_576, 10_485_760, 12_345_678])(
    'gives the %i bytes of a file, in chunks of 64 KiB',
    async (size) => {
      const { path, bytes } = folder.fill(`size-${size}`, size);
      const stream = createReadStream(path);
      const sizes = new Set<number>();
      const chunks: Buffer[] = [];
      for await (const chunk of stream) {
        chunks.push(chunk);
        sizes.add(chunk.length);
      }
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
      sizes.delete(size % 65_536);
      expect([...sizes]).toEqual(size >= 65_536 ? [65_536] : []);
      expect(stream.bytesRead).toBe(size);
    },
  );

  test('reads on to the end in chunks of a byte', async () => {
    const { path, bytes } = folder.fill('bytes', 20_000);
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(path, { highWaterMark: 1 })) chunks.push(chunk);
    expect(chunks.length).toBe(20_000);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  test('is a Readable, with what streams of node:fs have besides', async () => {
    const { path } = folder.fill('like-node', 100_000);
    const events: unknown[] = [];
    const stream = createReadStream(path);
    expect(stream).toBeInstanceOf(Readable);
    expect([stream.path, stream.pending, stream.bytesRead]).toEqual([path, true, 0]);
    for (const event of ['open', 'ready', 'end', 'close', 'error']) {
      stream.on(event, (value) => events.push(event === 'open' ? [event, typeof value] : event));
    }
    await next(stream, 'ready');
    expect(stream.pending).toBe(false);
    stream.resume();
    await next(stream, 'close');
    expect(events).toEqual([['open', 'number'], 'ready', 'end', 'close']);
    expect(stream.bytesRead).toBe(100_000);
  });

  const ways: Record<string, (stream: Readable) => Promise<Buffer>> = {
    'for await': buffer,
    "'data'": async (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      await next(stream, 'end');
      return Buffer.concat(chunks);
    },
    "'readable' and read()": async (stream) => {
      const chunks: Buffer[] = [];
      stream.on('readable', () => {
        for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk);
      });
      await next(stream, 'end');
      return Buffer.concat(chunks);
    },
    'read(n)': async (stream) => {
      const chunks: Buffer[] = [];
      stream.on('readable', () => {
        for (let chunk = stream.read(777); chunk !== null; chunk = stream.read(777)) {
          chunks.push(chunk);
        }
      });
      await next(stream, 'end');
      return Buffer.concat(chunks);
    },
    'pipe to a slow writer': async (stream) => {
      const chunks: Buffer[] = [];
      const slow = new Writable({
        highWaterMark: 1,
        write: (chunk, _encoding, done) => {
          chunks.push(chunk);
          setImmediate(done);
        },
      });
      await pipeline(stream, slow);
      return Buffer.concat(chunks);
    },
    'pause() and resume()': async (stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => {
        chunks.push(chunk);
        stream.pause();
        setImmediate(() => stream.resume());
      });
      await next(stream, 'end');
      return Buffer.concat(chunks);
    },
    'some by read(), some by unshift(), the rest by iterating': async (stream) => {
      await next(stream, 'readable');
      const first = stream.read() as Buffer;
      stream.unshift(first.subarray(10));
      return Buffer.concat([first.subarray(0, 10), await buffer(stream)]);
    },
    'a slow iteration': async (stream) => {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) {
        chunks.push(chunk);
        if (chunks.length % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return Buffer.concat(chunks);
    },
  };
  const sizes: ReadStreamOptions[] = [{}, { highWaterMark: 1000 }, { highWaterMark: 3_000_000 }];
  test.each(Object.keys(ways).flatMap((way) => sizes.map((options) => ({ way, ...options }))))(
    'gives everything in order, by $way, highWaterMark $highWaterMark',
    async ({ way, highWaterMark }) => {
      const { path, bytes } = folder.fill('ways', 4_000_003);
      const stream = createReadStream(path, highWaterMark ? { highWaterMark } : {});
      expect((await ways[way]?.(stream))?.equals(bytes)).toBe(true);
    },
  );

  test('reads a range, end inclusive', async () => {
    const { path, bytes } = folder.fill('range', 300_000);
    for (const [start, end] of [
      [0, 0],
      [1, 65_536],
      [65_535, 200_000],
      [299_999, 299_999],
      [299_990, 400_000],
      [300_000, 300_001],
      [100, Number.POSITIVE_INFINITY],
    ] as const) {
      const read = await buffer(createReadStream(path, { start, end }));
      expect(read.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
    expect((await buffer(createReadStream(path, { start: 299_000 }))).length).toBe(1000);
    expect((await buffer(createReadStream(path, { end: 9 }))).equals(bytes.subarray(0, 10))).toBe(
      true,
    );
  });

  test('decodes, also what lies across two chunks', async () => {
    const path = folder.at('utf8');
    nodeFs.writeFileSync(path, 'aü€😀'.repeat(50_000));
    const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1001 });
    expect(await text(stream)).toBe('aü€😀'.repeat(50_000));
    expect(await text(createReadStream(path, 'utf8'))).toBe('aü€😀'.repeat(50_000));
    const late = createReadStream(path).setEncoding('utf8');
    let decoded = '';
    for await (const chunk of late) decoded += chunk;
    expect(decoded).toBe('aü€😀'.repeat(50_000));
  });

  onLinux('reads a file that does not say its size, and one that grows', async () => {
    const limits = await text(createReadStream('/proc/self/limits'));
    expect(limits).toBe(nodeFs.readFileSync('/proc/self/limits', 'utf8'));
    const { path } = folder.fill('grows', 3_000_000);
    let length = 0;
    let grown = false;
    for await (const chunk of createReadStream(path)) {
      length += chunk.length;
      if (!grown) nodeFs.appendFileSync(path, Buffer.alloc(1_000_000));
      grown = true;
    }
    expect(length).toBe(4_000_000);
  });

  onPosix('gives what a pipe has as it comes', async () => {
    const path = folder.fifo('pipe');
    const stream = createReadStream(path);
    const writer = nodeFs.createWriteStream(path);
    const chunks = stream[Symbol.asyncIterator]();
    for (let i = 0; i < 10; i++) {
      writer.write(`part ${i}`);
      // It would wait for ever if the reader waited for more.
      expect(String((await chunks.next()).value)).toBe(`part ${i}`);
    }
    writer.end();
    expect((await chunks.next()).done).toBe(true);
  });

  test('reads no further ahead than its window', async () => {
    const { path } = folder.fill('window', 30_000_000);
    const stream = createReadStream(path);
    await next(stream, 'readable');
    stream.read();
    // Others that are read to their end have had every chance to let it run ahead.
    for (let i = 0; i < 5; i++) await readFile(path);
    const position = Number(
      /pos:\s*(\d+)/.exec(nodeFs.readFileSync(`/proc/self/fdinfo/${stream.fd}`, 'utf8'))?.[1],
    );
    expect(position).toBeGreaterThan(65_536);
    expect(position).toBeLessThan(3 * 1024 * 1024);
    stream.destroy();
    await next(stream, 'close');
  });

  test('a chunk that is kept stays as it was', async () => {
    const { path, bytes } = folder.fill('kept', 20_000_000);
    const kept: { at: number; chunk: Buffer }[] = [];
    for (let round = 0; round < 8; round++) {
      let at = 0;
      for await (const chunk of createReadStream(path)) {
        if (at % (7 * 65_536) === 0) kept.push({ at, chunk });
        at += chunk.length;
      }
    }
    const asWritten = ({ at, chunk }: { at: number; chunk: Buffer }) =>
      chunk.equals(bytes.subarray(at, at + chunk.length));
    expect(kept.every(asWritten)).toBe(true);
  });

  test('keeps the async context in which it was made', async () => {
    const { path } = folder.fill('context', 10);
    const storage = new AsyncLocalStorage<string>();
    const stream = storage.run('there', () => createReadStream(path));
    const seen = await Promise.all(
      ['open', 'data', 'end', 'close'].map(
        (event) => new Promise((resolve) => stream.once(event, () => resolve(storage.getStore()))),
      ),
    );
    expect(seen).toEqual(['there', 'there', 'there', 'there']);
  });

  test('what a listener throws reaches the process, and stops nobody else', async () => {
    const { path, bytes } = folder.fill('throws', 1_000_000);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown: string[] = [];
    process.on('uncaughtException', (error) => thrown.push(error.message));
    try {
      const stream = createReadStream(path);
      stream.once('open', () => {
        throw new Error('thrown on purpose');
      });
      const all = await Promise.all([
        buffer(stream),
        buffer(createReadStream(path)),
        readFile(path),
      ]);
      expect(all.every((read) => read.equals(bytes))).toBe(true);
      expect(thrown).toEqual(['thrown on purpose']);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});
