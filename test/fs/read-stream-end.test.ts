// How a stream of a file ends other than by the end of the file. A failure here is a descriptor that stays open, a stream
// that never ends, or an error that node:fs would have named otherwise.

import nodeFs from 'node:fs';
import { platform } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { native } from '../../lib/binding.js';
import { createReadStream, readFile } from '../../lib/fs/index.js';
import { EventLoop } from '../../lib/index.js';
import { Folder } from './folder.js';

const folder = new Folder();
afterAll(() => folder.remove());

const onLinux = test.skipIf(platform() !== 'linux');
const onPosix = test.skipIf(platform() === 'win32');

const next = (stream: NodeJS.EventEmitter, event: string) =>
  new Promise<unknown>((resolve) => stream.once(event, resolve));

describe('a read stream fails', () => {
  test('as one of node:fs does', async () => {
    const path = folder.at('missing');
    await expect(buffer(createReadStream(path))).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      path,
    });
    await expect(buffer(createReadStream(folder.path))).rejects.toMatchObject({
      code: 'EISDIR',
      syscall: 'read',
    });
    const unread = createReadStream(path);
    expect(await next(unread, 'error')).toMatchObject({ code: 'ENOENT' });
  });

  test('once, also where it is not destroyed by that', async () => {
    const stream = createReadStream(folder.at('missing'), { autoClose: false });
    let errors = 0;
    stream.on('error', () => errors++).on('data', () => {});
    await next(stream, 'error');
    stream.destroy();
    await next(stream, 'close');
    expect(errors).toBe(1);
  });

  test('for wrong arguments, at the call', () => {
    const { path } = folder.fill('arguments', 1);
    for (const options of [
      { start: -1 },
      { start: 1.5 },
      { end: Number.NaN },
      { start: 2, end: 1 },
      { highWaterMark: 0 },
      { autoClose: 1 },
      { emitClose: 'no' },
      { encoding: 'utf9' },
      { flags: 'rw' },
      { mode: -1 },
      { signal: {} },
    ]) {
      expect(() => createReadStream(path, options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_SIDELOOP_ARGUMENT' }),
      );
    }
    expect(() => createReadStream(7 as never)).toThrow(/FileHandle/);
  });

  test('with an AbortError, and opens nothing for a signal that is aborted', async () => {
    const path = folder.at('never-made');
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(buffer(createReadStream(path, { flags: 'w+', signal }))).rejects.toMatchObject({
      code: 'ABORT_ERR',
      cause: reason,
    });
    expect(nodeFs.existsSync(path)).toBe(false);
    const abort = new AbortController();
    const stream = createReadStream(folder.fill('aborted', 10_000_000).path, {
      signal: abort.signal,
    });
    const reading = (async () => {
      for await (const _chunk of stream) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORT_ERR' });
  });

  onPosix('at once where it is aborted in an opening that never ends', async () => {
    const path = folder.fifo('never');
    const abort = new AbortController();
    await using loop = new EventLoop();
    const reading = buffer(createReadStream(path, { signal: abort.signal, loop }));
    abort.abort();
    await expect(reading).rejects.toMatchObject({ code: 'ABORT_ERR' });
    nodeFs.closeSync(nodeFs.openSync(path, 'r+'));
  });
});

describe('a read stream closes its file', () => {
  onLinux(
    'at its end, at break, at destroy() in any state, and before its close event',
    async () => {
      const { path } = folder.fill('closed', 10_000_000);
      const endings: ((stream: ReturnType<typeof createReadStream>) => unknown)[] = [
        (stream) => buffer(stream),
        (stream) => stream.destroy(),
        (stream) => stream.close(),
        (stream) => stream.destroy(new Error('on purpose')).on('error', () => {}),
        (stream) => stream.once('open', () => stream.destroy()),
        (stream) => stream.once('data', () => stream.destroy()),
        async (stream) => {
          for await (const _chunk of stream) break;
        },
      ];
      for (const end of endings) {
        const stream = createReadStream(path);
        const closed = next(stream, 'close');
        await end(stream);
        await closed;
      }
      await expect.poll(() => folder.open()).toEqual([]);
      const stream = createReadStream(path);
      stream.once('data', () => stream.destroy());
      await next(stream, 'close');
      expect(folder.open()).toEqual([]);
    },
  );

  onLinux('with autoClose: false at destroy() only', async () => {
    const { path, bytes } = folder.fill('kept-open', 100_000);
    const stream = createReadStream(path, { autoClose: false });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    await next(stream, 'end');
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(folder.open()).toContain(path);
    stream.destroy();
    await next(stream, 'close');
    expect(folder.open()).not.toContain(path);
  });

  onLinux('says nothing more after destroy()', async () => {
    const { path } = folder.fill('silent', 10_000_000);
    const stream = createReadStream(path);
    await next(stream, 'data');
    stream.destroy();
    const heard: string[] = [];
    for (const event of ['data', 'end', 'error', 'open']) stream.on(event, () => heard.push(event));
    await next(stream, 'close');
    await readFile(path);
    expect(heard).toEqual([]);
    expect(stream.destroyed).toBe(true);
  });
});

describe('a loop that ends', () => {
  onLinux('fails its streams with its own code, and closes their files', async () => {
    const { path } = folder.fill('ended', 10_000_000);
    for (const [end, code] of [
      [(loop: EventLoop) => loop.destroy(), 'ERR_SIDELOOP_DESTROYED'],
      [(loop: EventLoop) => loop.stop(), 'ERR_SIDELOOP_STOPPED'],
    ] as const) {
      const loop = new EventLoop();
      const resting = createReadStream(path, { loop });
      await next(resting, 'readable');
      const failed = next(resting, 'error');
      await end(loop);
      expect(await failed).toMatchObject({ code });
      const late = createReadStream(path, { loop });
      expect(await next(late, 'error')).toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
      await expect.poll(() => folder.open()).toEqual([]);
    }
  });
});

test('a loop that has ended is not kept by what is asked of it', async () => {
  const { path } = folder.fill('asked-late', 10);
  const loops = [new EventLoop(), new EventLoop()];
  await readFile(path, { loop: loops[0] as EventLoop });
  const kept = native.shared.stages.size;
  for (const loop of loops) {
    await loop.stop();
    await expect(readFile(path, { loop })).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
  }
  // What the first one had is gone, and nothing has come in its place.
  expect(native.shared.stages.size).toBe(kept - 1);
});

describe('a file that blocks', () => {
  onPosix('holds up nothing else on its loop', async () => {
    await using loop = new EventLoop();
    const path = folder.fifo('blocks');
    const { path: other, bytes } = folder.fill('other', 1_000_000);
    const blocked = createReadStream(path, { loop });
    const reading = buffer(blocked);
    // Each of these would wait for ever, if a call on the pipe held the loop's thread.
    await new Promise<void>((resolve) => loop.post(resolve));
    expect((await readFile(other, { loop })).equals(bytes)).toBe(true);
    expect((await buffer(createReadStream(other, { loop }))).equals(bytes)).toBe(true);
    await new Promise<void>((resolve) => loop.post(resolve));
    expect(blocked.pending).toBe(true);
    nodeFs.closeSync(nodeFs.openSync(path, 'r+'));
    expect((await reading).length).toBe(0);
  });
});
