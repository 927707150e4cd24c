// A stream into a file. A failure here is bytes that are lost, doubled or out of order, a 'finish' that is too early, or a
// descriptor that stays open.

import { AsyncLocalStorage } from 'node:async_hooks';
import nodeFs from 'node:fs';
import { platform } from 'node:os';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createReadStream, createWriteStream, readFile, writeFile } from '../../lib/fs/index.js';
import { EventLoop } from '../../lib/index.js';
import { Folder } from './folder.js';

const folder = new Folder();
afterAll(() => folder.remove());

const onLinux = test.skipIf(platform() !== 'linux');
const onPosix = test.skipIf(platform() === 'win32');

const next = (stream: NodeJS.EventEmitter, event: string) =>
  new Promise<unknown>((resolve) => stream.once(event, resolve));

describe('createWriteStream()', () => {
  test('is a Writable, with what streams of node:fs have besides', async () => {
    const path = folder.at('like-node');
    const events: unknown[] = [];
    const stream = createWriteStream(path);
    expect(stream).toBeInstanceOf(Writable);
    expect([stream.path, stream.pending, stream.bytesWritten]).toEqual([path, true, 0]);
    for (const event of ['open', 'ready', 'finish', 'close', 'error']) {
      stream.on(event, (value) => events.push(event === 'open' ? [event, typeof value] : event));
    }
    await next(stream, 'ready');
    expect(stream.pending).toBe(false);
    stream.end('hällo');
    await next(stream, 'close');
    expect(events).toEqual([['open', 'number'], 'ready', 'finish', 'close']);
    expect(stream.bytesWritten).toBe(6);
    expect(nodeFs.readFileSync(path, 'utf8')).toBe('hällo');
  });

  test.each([1, 100, 16_383, 16_384, 16_385, 70_000, 1_500_000])(
    'keeps the order of pieces of %i bytes and others',
    async (size) => {
      const path = folder.at(`pieces-${size}`);
      const stream = createWriteStream(path);
      const pieces: Buffer[] = [];
      for (let i = 0; i < 40; i++) {
        const piece = Buffer.alloc(i % 3 === 0 ? size : (i * 911) % 40_000, i);
        pieces.push(Buffer.from(piece));
        stream.write(piece);
        // The bytes are those of the moment of the call, also where it waits for room.
        piece.fill(255);
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      stream.end();
      await finished(stream);
      const expected = Buffer.concat(pieces);
      expect(nodeFs.readFileSync(path).equals(expected)).toBe(true);
      expect(stream.bytesWritten).toBe(expected.length);
    },
  );

  test('takes 100,000 small writes in one turn, and calls back for each', async () => {
    const path = folder.at('small');
    const stream = createWriteStream(path);
    let called = 0;
    let expected = '';
    for (let i = 0; i < 100_000; i++) {
      expected += `line ${i}\n`;
      stream.write(`line ${i}\n`, () => called++);
    }
    stream.end();
    await finished(stream);
    expect(called).toBe(100_000);
    expect(nodeFs.readFileSync(path, 'utf8')).toBe(expected);
  });

  test('copies a file by pipeline', async () => {
    const { path, bytes } = folder.fill('source', 12_345_678);
    await pipeline(createReadStream(path), createWriteStream(folder.at('copy'), { flush: true }));
    expect(nodeFs.readFileSync(folder.at('copy')).equals(bytes)).toBe(true);
  });

  test('writes from a place, appends, keeps what others wrote, and encodes', async () => {
    const path = folder.at('places');
    nodeFs.writeFileSync(path, '0123456789');
    await finished(createWriteStream(path, { flags: 'r+', start: 3 }).end('abc'));
    expect(nodeFs.readFileSync(path, 'utf8')).toBe('012abc6789');
    await finished(createWriteStream(path, { flags: 'a' }).end('!'));
    expect(nodeFs.readFileSync(path, 'utf8')).toBe('012abc6789!');
    await finished(createWriteStream(path, 'latin1').end('ü'));
    expect(nodeFs.readFileSync(path)).toEqual(Buffer.from([0xfc]));
    await finished(createWriteStream(path).end());
    expect(nodeFs.readFileSync(path)).toEqual(Buffer.alloc(0));
  });

  onPosix('writes wait where nobody takes them, and go on when somebody does', async () => {
    const path = folder.fifo('slow');
    const stream = createWriteStream(path);
    let accepted = 0;
    const piece = Buffer.alloc(65_536, 1);
    for (let i = 0; i < 100; i++) stream.write(piece, () => accepted++);
    await new Promise((resolve) => setImmediate(resolve));
    // Accepted and not written: 1 MiB, and the piece that went beyond it.
    expect(accepted).toBeLessThanOrEqual(17);
    expect(stream.writableNeedDrain).toBe(true);
    stream.end();
    let size = 0;
    for await (const chunk of nodeFs.createReadStream(path)) size += chunk.length;
    expect(size).toBe(100 * 65_536);
    await finished(stream);
    expect(accepted).toBe(100);
  });

  test('finish comes when all is on the file', async () => {
    const path = folder.at('finish');
    for (let round = 0; round < 20; round++) {
      const stream = createWriteStream(path, { flush: round % 2 === 0 });
      stream.write(Buffer.alloc(300_000, round));
      stream.end(Buffer.alloc(10, round));
      await next(stream, 'finish');
      expect(nodeFs.readFileSync(path).equals(Buffer.alloc(300_010, round))).toBe(true);
    }
  });

  test('close() finishes first', async () => {
    const path = folder.at('close');
    const stream = createWriteStream(path);
    stream.write('all of it');
    await new Promise<void>((resolve, reject) =>
      stream.close((error) => (error ? reject(error) : resolve())),
    );
    expect(nodeFs.readFileSync(path, 'utf8')).toBe('all of it');
    expect(stream.destroyed).toBe(true);
  });

  test('keeps the async context in which it was made', async () => {
    const storage = new AsyncLocalStorage<string>();
    const stream = storage.run('there', () => createWriteStream(folder.at('context')));
    const seen = Promise.all(
      ['open', 'ready'].map(
        (event) => new Promise((resolve) => stream.once(event, () => resolve(storage.getStore()))),
      ),
    );
    stream.end('x');
    expect(await seen).toEqual(['there', 'there']);
    await finished(stream);
  });
});

describe('a write stream fails', () => {
  test('as one of node:fs does', async () => {
    const path = folder.at('none/x');
    await expect(finished(createWriteStream(path).end('x'))).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      path,
    });
    expect(() => createWriteStream(path, { start: -1 })).toThrow(
      expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' }),
    );
    expect(() => createWriteStream(path, { flush: 'yes' as never })).toThrow(/flush/);
  });

  onLinux('where the disk is full, in a write, in a lot of them, and at the end', async () => {
    const write = createWriteStream('/dev/full');
    write.write('x');
    expect(await next(write, 'error')).toMatchObject({ code: 'ENOSPC', syscall: 'write' });
    await expect(finished(createWriteStream('/dev/full').end('x'))).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    const many = createWriteStream('/dev/full');
    const errors: unknown[] = [];
    many.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    let called = 0;
    for (let i = 0; i < 100; i++) many.write(Buffer.alloc(65_536), () => called++);
    await next(many, 'close');
    expect(errors).toEqual(['ENOSPC']);
    await expect.poll(() => called).toBe(100);
    expect(many.bytesWritten).toBe(0);
  });

  onLinux('everything that follows where it stays open after an error', async () => {
    for (const path of ['/dev/full', folder.at('none/x')]) {
      const stream = createWriteStream(path, { autoClose: false });
      stream.on('error', () => {});
      stream.write('x');
      const { code } = (await next(stream, 'error')) as NodeJS.ErrnoException;
      const ends = [
        new Promise<unknown>((resolve) => stream.write('y', resolve)),
        new Promise<unknown>((resolve) => stream.end(resolve)),
      ];
      expect(await Promise.all(ends)).toEqual(Array(2).fill(expect.objectContaining({ code })));
      stream.destroy();
      await next(stream, 'close');
    }
  });

  test('a write that the loop refused calls back, however large it is', async () => {
    for (const size of [100_000, 3_000_000]) {
      const loop = new EventLoop({ mailboxCapacity: 1 });
      const stream = createWriteStream(folder.at('refused'), { loop });
      await next(stream, 'ready');
      const failed = next(stream, 'error');
      let last: Promise<unknown> | undefined;
      while (!stream.destroyed) {
        // Each is handed over by itself, and only one fits in while the thread has not looked.
        const others = Array.from({ length: 20 }, () =>
          writeFile(folder.at('other'), Buffer.alloc(20_000), { loop }),
        );
        last = new Promise((resolve) => stream.write(Buffer.alloc(size), resolve));
        await Promise.allSettled([last, ...others]);
      }
      expect(await failed).toMatchObject({ code: 'ERR_SIDELOOP_MAILBOX_FULL' });
      expect(await last).toMatchObject({ code: 'ERR_SIDELOOP_MAILBOX_FULL' });
      await loop.stop();
    }
  });

  test('with an AbortError, and makes no file for a signal that is aborted', async () => {
    const path = folder.at('never-made');
    const unmade = createWriteStream(path, { signal: AbortSignal.abort() });
    expect(await next(unmade, 'error')).toMatchObject({ code: 'ABORT_ERR' });
    expect(nodeFs.existsSync(path)).toBe(false);
    const abort = new AbortController();
    const stream = createWriteStream(path, { signal: abort.signal });
    stream.write(Buffer.alloc(100_000));
    const failed = next(stream, 'error');
    abort.abort();
    expect(await failed).toMatchObject({ code: 'ABORT_ERR' });
  });

  onLinux('and closes its file in every case', async () => {
    const path = folder.at('closed');
    const endings: ((stream: ReturnType<typeof createWriteStream>) => unknown)[] = [
      (stream) => stream.destroy(),
      (stream) => stream.once('open', () => stream.destroy()),
      (stream) => stream.end('x'),
      (stream) => {
        for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(65_536));
        stream.destroy();
      },
      (stream) => {
        stream.end(Buffer.alloc(500_000));
        stream.destroy(new Error('on purpose')).on('error', () => {});
      },
    ];
    for (const end of endings) {
      const stream = createWriteStream(path);
      const closed = next(stream, 'close');
      end(stream);
      await closed;
    }
    // Those that were destroyed before they were open close their files by and by.
    await expect.poll(() => folder.open()).toEqual([]);
    const other = folder.at('kept');
    const kept = createWriteStream(other, { autoClose: false });
    await new Promise<void>((resolve) => kept.end('x', resolve));
    expect(folder.open()).toContain(other);
    kept.destroy();
    await next(kept, 'close');
    expect(folder.open()).not.toContain(other);
  });
});

describe('a loop that ends', () => {
  onLinux('stop() writes what was accepted, then fails the stream', async () => {
    const loop = new EventLoop();
    const path = folder.at('stopped');
    const stream = createWriteStream(path, { loop });
    await next(stream, 'open');
    for (let i = 0; i < 10; i++) stream.write(Buffer.alloc(50_000, i));
    const failed = next(stream, 'error');
    await loop.stop();
    expect(await failed).toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    expect(nodeFs.statSync(path).size).toBe(500_000);
    await expect.poll(() => folder.open()).toEqual([]);
  });

  onLinux('a stream that was ended finishes', async () => {
    const loop = new EventLoop();
    const path = folder.at('ended');
    const stream = createWriteStream(path, { loop, flush: true });
    stream.end(Buffer.alloc(1_000_000, 7));
    const done = finished(stream);
    await new Promise((resolve) => setImmediate(resolve));
    await loop.stop();
    await done;
    expect((await readFile(path)).equals(Buffer.alloc(1_000_000, 7))).toBe(true);
  });

  onLinux('destroy() fails it, and closes the file', async () => {
    const loop = new EventLoop();
    const stream = createWriteStream(folder.at('destroyed'), { loop });
    const failed = next(stream, 'error');
    for (let i = 0; i < 50; i++) stream.write(Buffer.alloc(65_536));
    loop.destroy();
    expect(await failed).toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
    await expect.poll(() => folder.open()).toEqual([]);
  });
});
