// Files read and written as a whole. A failure here is data that is not what is in the file, an error that node:fs would
// have named otherwise, or a promise that nobody settled.

import { AsyncLocalStorage } from 'node:async_hooks';
import nodeFs from 'node:fs';
import { platform } from 'node:os';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { appendFile, readFile, writeFile } from '../../lib/fs/index.js';
import { EventLoop } from '../../lib/index.js';
import { Folder } from './folder.js';

const folder = new Folder();
afterAll(() => folder.remove());

const argumentError = { name: 'SideloopTypeError', code: 'ERR_SIDELOOP_ARGUMENT' };

describe('readFile()', () => {
  test.each([0, 1, 4095, 65_536, 65_537, 3_000_001])('gives a file of %i bytes', async (size) => {
    const { path, bytes } = folder.fill(`size-${size}`, size);
    const read = await readFile(path);
    expect(read).toBeInstanceOf(Buffer);
    expect(read.equals(bytes)).toBe(true);
  });

  test('takes a path as a string, a Buffer or a URL, and an encoding', async () => {
    const path = folder.at('wört');
    nodeFs.writeFileSync(path, 'grün');
    for (const form of [path, Buffer.from(path), pathToFileURL(path)]) {
      expect(await readFile(form, 'utf8')).toBe('grün');
      expect(await readFile(form, { encoding: 'base64' })).toBe('Z3LDvG4=');
      expect(await readFile(form, { encoding: null })).toEqual(Buffer.from('grün'));
    }
  });

  test('reads many files at once, each as it is', async () => {
    const files = Array.from({ length: 300 }, (_, i) => folder.fill(`many-${i}`, i * 97));
    const read = await Promise.all(files.map(({ path }) => readFile(path)));
    expect(read.every((buffer, i) => buffer.equals(files[i]?.bytes as Buffer))).toBe(true);
  });

  test.skipIf(platform() !== 'linux')('reads a file that does not say its size', async () => {
    // The second can't be read a byte at a time.
    for (const path of ['/proc/self/limits', '/proc/sys/kernel/pid_max', '/proc/kallsyms']) {
      expect(await readFile(path, 'utf8')).toBe(nodeFs.readFileSync(path, 'utf8'));
    }
  });

  test.skipIf(platform() === 'win32')('reads a pipe to its end, in whatever pieces', async () => {
    const path = folder.fifo('pipe');
    const reading = readFile(path, 'latin1');
    const writer = nodeFs.createWriteStream(path);
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => writer.write(`${i}`.repeat(10_000), resolve));
    }
    writer.end();
    const expected = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(10_000)).join('');
    expect(await reading).toBe(expected);
  });

  test('fails as node:fs does', async () => {
    const path = folder.at('missing');
    await expect(readFile(path)).rejects.toMatchObject({
      name: 'Error',
      code: 'ENOENT',
      errno: -2,
      syscall: 'open',
      path,
      message: `ENOENT: no such file or directory, open '${path}'`,
    });
    await expect(readFile(folder.path)).rejects.toMatchObject({ code: 'EISDIR', syscall: 'read' });
  });

  test('refuses a file that no Buffer holds, without reading it', async () => {
    const path = folder.at('huge');
    nodeFs.writeFileSync(path, '');
    nodeFs.truncateSync(path, 2 ** 31);
    const theirs = await nodeFs.promises.readFile(path).catch((error) => error);
    const ours = await readFile(path).catch((error) => error);
    expect(ours).toBeInstanceOf(RangeError);
    expect([ours.name, ours.code, ours.message]).toEqual([
      theirs.name,
      theirs.code,
      theirs.message,
    ]);
    nodeFs.unlinkSync(path);
  });

  test('refuses wrong arguments, and says what to pass', async () => {
    const { path } = folder.fill('arguments', 1);
    for (const [wrong, message] of [
      [() => readFile(3 as never), /FileHandle/],
      [() => readFile('a\0b'), /null/],
      [() => readFile(path, { encoding: 'utf9' as never }), /encoding/],
      [() => readFile(path, { flag: 'q' }), /flag/],
      [() => readFile(path, { signal: 1 as never }), /signal/],
      [() => readFile(path, { loop: {} as never }), /loop/],
      [() => readFile(path, 5 as never), /options/],
    ] as const) {
      const error = expect.stringMatching(message);
      await expect(wrong()).rejects.toMatchObject({ ...argumentError, message: error });
    }
  });

  test('rejects with the reason of its signal, and opens nothing for one that is aborted', async () => {
    const path = folder.at('never-made');
    const reason = new Error('enough');
    await expect(
      readFile(path, { flag: 'w+', signal: AbortSignal.abort(reason) }),
    ).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
    expect(nodeFs.existsSync(path)).toBe(false);
  });

  test.skipIf(platform() !== 'linux')('aborted on its way, it closes the file', async () => {
    const { path } = folder.fill('aborted', 30_000_000);
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      const reading = readFile(path, { signal: abort.signal });
      if (round % 2 === 0) await readFile(folder.fill('small', 10).path);
      abort.abort();
      await reading.then(
        () => {}, // it was done before
        (error) => expect(error.code).toBe('ABORT_ERR'),
      );
    }
    await expect.poll(() => folder.open()).toEqual([]);
  });

  test('leaves no listener on a signal that lives on', async () => {
    const { path } = folder.fill('listened', 10);
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await readFile(path, { signal });
    await writeFile(path, 'x', { signal });
    await readFile(folder.at('missing'), { signal }).catch(() => {});
    expect(listeners).toBe(0);
  });

  test('keeps the async context of the caller', async () => {
    const { path } = folder.fill('context', 10);
    const storage = new AsyncLocalStorage<string>();
    const store = await storage.run('here', async () => {
      await readFile(path);
      return storage.getStore();
    });
    expect(store).toBe('here');
  });
});

describe('writeFile() and appendFile()', () => {
  test.each([0, 1, 16_383, 16_384, 5_000_001])('write %i bytes', async (size) => {
    const { bytes } = folder.fill('source', size);
    const path = folder.at(`written-${size}`);
    await writeFile(path, bytes);
    await appendFile(path, bytes.subarray(0, 3), { flush: true });
    expect(nodeFs.readFileSync(path).equals(Buffer.concat([bytes, bytes.subarray(0, 3)]))).toBe(
      true,
    );
  });

  test('write the bytes of the moment of the call', async () => {
    for (const size of [100, 100_000]) {
      const bytes = Buffer.alloc(size, 1);
      const path = folder.at('moment');
      const writing = writeFile(path, bytes);
      bytes.fill(2);
      await writing;
      expect(nodeFs.readFileSync(path).equals(Buffer.alloc(size, 1))).toBe(true);
    }
  });

  test('write text in an encoding, views of any kind, and what comes in pieces', async () => {
    const path = folder.at('kinds');
    const read = () => nodeFs.readFileSync(path);
    await writeFile(path, 'grün', 'latin1');
    expect(read()).toEqual(Buffer.from('grün', 'latin1'));
    await writeFile(path, new Uint16Array([1, 2]).subarray(1));
    expect(read()).toEqual(Buffer.from([2, 0]));
    await writeFile(path, new DataView(new ArrayBuffer(3), 1));
    expect(read()).toEqual(Buffer.alloc(2));
    await writeFile(path, ['a', Buffer.from('b')]);
    await appendFile(
      path,
      (async function* () {
        yield 'c';
        yield 'd'.repeat(200_000);
      })(),
    );
    expect(read().toString()).toBe(`abc${'d'.repeat(200_000)}`);
  });

  test('append in the order of the calls that wait for each other', async () => {
    const path = folder.at('order');
    for (let i = 0; i < 50; i++) await appendFile(path, `${i},`);
    expect(nodeFs.readFileSync(path, 'utf8')).toBe(
      Array.from({ length: 50 }, (_, i) => `${i},`).join(''),
    );
  });

  test.skipIf(platform() === 'win32')('make the file with its mode and flag', async () => {
    const path = folder.at('mode');
    await writeFile(path, 'x', { mode: 0o600 });
    expect(nodeFs.statSync(path).mode & 0o777).toBe(0o600);
    await expect(writeFile(path, 'y', { flag: 'wx' })).rejects.toMatchObject({ code: 'EEXIST' });
    await writeFile(path, 'Y', { flag: 'r+', mode: '644' });
    expect(nodeFs.readFileSync(path, 'utf8')).toBe('Y');
  });

  test('fail as node:fs does', async () => {
    await expect(writeFile(folder.path, 'x')).rejects.toMatchObject({
      code: 'EISDIR',
      syscall: 'open',
      path: folder.path,
    });
    await expect(writeFile(folder.at('x'), {} as never)).rejects.toMatchObject(argumentError);
    await expect(writeFile(folder.at('x'), 'x', { flush: 1 as never })).rejects.toMatchObject(
      argumentError,
    );
    await expect(writeFile(folder.at('x'), 'x', { mode: '9' })).rejects.toMatchObject(
      argumentError,
    );
  });

  test.skipIf(platform() !== 'linux')('say that the disk is full', async () => {
    await expect(writeFile('/dev/full', 'x')).rejects.toMatchObject({
      code: 'ENOSPC',
      syscall: 'write',
    });
  });

  test('touch nothing for a signal that is aborted', async () => {
    const path = folder.at('untouched');
    await expect(writeFile(path, 'x', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORT_ERR',
    });
    expect(nodeFs.existsSync(path)).toBe(false);
  });
});

describe('a loop that ends', () => {
  test('stop() lets what is in progress finish', async () => {
    const loop = new EventLoop();
    const { path, bytes } = folder.fill('stopped', 20_000_000);
    const reads = Array.from({ length: 10 }, () => readFile(path, { loop }));
    const writing = writeFile(folder.at('stopped-copy'), bytes, { loop });
    await loop.stop();
    for (const read of await Promise.all(reads)) expect(read.equals(bytes)).toBe(true);
    await writing;
    expect(nodeFs.readFileSync(folder.at('stopped-copy')).equals(bytes)).toBe(true);
    await expect(readFile(path, { loop })).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
  });

  test.skipIf(platform() === 'win32')('fails at the deadline what is not done', async () => {
    const loop = new EventLoop();
    const path = folder.fifo('deadline');
    const reading = readFile(path, { loop });
    const settled = expect(reading).rejects.toMatchObject({ code: 'ERR_SIDELOOP_STOPPED' });
    const stopping = loop.stop({ deadlineMs: 30 });
    await settled;
    // Lets the job end, and with it the loop.
    nodeFs.closeSync(nodeFs.openSync(path, 'r+'));
    await stopping;
  });

  test.skipIf(platform() !== 'linux')('destroy() settles everything, and closes it', async () => {
    const { path, bytes } = folder.fill('destroyed', 10_000_000);
    for (let round = 0; round < 10; round++) {
      const loop = new EventLoop();
      const tally = { done: 0, ERR_SIDELOOP_DESTROYED: 0 };
      const all = Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0
          ? readFile(path, { loop })
          : writeFile(folder.at(`destroyed-${i}`), bytes, { loop })
        ).then(
          () => tally.done++,
          (error: { code: 'ERR_SIDELOOP_DESTROYED' }) => tally[error.code]++,
        ),
      );
      if (round % 2 === 0) await Promise.race(all);
      loop.destroy();
      await Promise.all(all);
      expect(tally.done + tally.ERR_SIDELOOP_DESTROYED).toBe(40);
      // All of it may have been done while this thread was busy with beginning it, but for what began last.
      if (round % 2 !== 0) expect(tally.ERR_SIDELOOP_DESTROYED).toBeGreaterThan(0);
    }
    await expect.poll(() => folder.open()).toEqual([]);
  });

  test('a full mailbox is said, and nothing is done', async () => {
    const loop = new EventLoop({ mailboxCapacity: 1 });
    const { path, bytes } = folder.fill('mailbox', 100);
    const outcomes = new Set<string>();
    // The loop thread empties its mailbox in between: it is full at some of the flushes.
    while (!outcomes.has('ERR_SIDELOOP_MAILBOX_FULL') || !outcomes.has('done')) {
      const reads = [];
      for (let i = 0; i < 50; i++) {
        loop.post(() => {});
        reads.push(
          writeFile(folder.at('mailbox-copy'), Buffer.alloc(20_000), { loop }).then(
            () => outcomes.add('done'),
            (error) => outcomes.add(error.code),
          ),
        );
      }
      await Promise.all(reads);
    }
    expect([...outcomes].sort()).toEqual(['ERR_SIDELOOP_MAILBOX_FULL', 'done']);
    expect((await readFile(path, { loop })).equals(bytes)).toBe(true);
    await loop.stop();
  });
});
