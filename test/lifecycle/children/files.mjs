// The ways in which a process or a Worker ends that has files under way, by name: `node files.mjs <folder> <name>`. The same
// file is the Worker. Each prints what JavaScript could see before the end.

import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { createReadStream, createWriteStream, readFile, writeFile } from 'sideloop/fs';

const SIZE = 5_000_000;
const [name, folder, handle] = isMainThread ? [process.argv[3], makeFolder()] : workerData;
const file = join(folder, 'file');
const print = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value));

function makeFolder() {
  const path = realpathSync(mkdtempSync(join(process.argv[2], 'child-')));
  writeFileSync(join(path, 'file'), Buffer.alloc(SIZE, 1));
  for (let i = 0; i < 4; i++) writeFileSync(join(path, `s${i}`), '');
  return path;
}

/** The files of the folder that the process has open. */
function openFiles() {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder)).length;
}

async function untilClosed() {
  while (openFiles() > 0) await new Promise((resolve) => setImmediate(resolve));
  return 'closed';
}

const ignore = () => {};

/** Reads and writes of every kind, for ever. */
function keepBusy(loop) {
  const forever = async (work) => {
    for (;;) await work();
  };
  for (let i = 0; i < 4; i++) {
    forever(() => readFile(file, { loop })).catch(ignore);
    forever(async () => {
      for await (const _chunk of createReadStream(file, { loop }));
    }).catch(ignore);
    forever(() => writeFile(join(folder, `w${i}`), Buffer.alloc(500_000), { loop })).catch(ignore);
    const stream = createWriteStream(join(folder, `s${i}`), { loop, flags: 'r+' });
    stream.on('error', ignore);
    const write = () => {
      while (stream.write(Buffer.alloc(10_000)));
      stream.once('drain', () => setImmediate(write));
    };
    write();
  }
}

const loopsOf = (count) => Array.from({ length: count }, () => new EventLoop());

const onMain = {
  async exitsInMidRead() {
    for (const loop of loopsOf(2)) keepBusy(loop);
    await readFile(file);
    process.exit(3);
  },

  exitsAtOnce() {
    keepBusy(new EventLoop());
    process.exit(4);
  },

  exitsInChunk() {
    keepBusy(new EventLoop());
    createReadStream(file).on('data', () => process.exit(5));
  },

  async throws() {
    keepBusy(new EventLoop());
    await readFile(file);
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  },

  returnsWithReadInProgress() {
    readFile(file).then((bytes) => print(`${bytes.length}`));
  },

  returnsWithWriteInProgress() {
    const path = join(folder, 'written');
    createWriteStream(path).write(Buffer.alloc(SIZE));
    process.on('exit', () => print(`${statSync(path).size}`));
  },

  returnsWithStreamEnding() {
    const path = join(folder, 'written');
    const stream = createWriteStream(path, { flush: true });
    stream.on('close', () => print('close'));
    stream.end('x');
  },

  // Open, read ahead, and nobody asks for more.
  returnsWithPausedStream() {
    createReadStream(file).on('open', () => print('open'));
  },

  returnsWithUnreferencedLoop() {
    const loop = new EventLoop().unref();
    keepBusy(loop);
  },

  async collectsChunks() {
    const loop = new EventLoop();
    for (let i = 0; i < 40; i++) {
      for await (const _chunk of createReadStream(file, { loop }));
      await readFile(file, { loop });
    }
    const held = () => process.memoryUsage().arrayBuffers;
    while (held() > SIZE) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    print('collected');
  },

  async destroysInMidRead() {
    const loop = new EventLoop();
    keepBusy(loop);
    await readFile(file, { loop });
    loop.destroy();
    print(await untilClosed());
  },

  async worker() {
    const worker = new Worker(new URL(import.meta.url), { workerData: [process.argv[4], folder] });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.once('error', (error) => print(error.message));
    const said = await Promise.race([
      new Promise((resolve) => worker.once('message', resolve)),
      ended,
    ]);
    if (said === 'terminate me') await worker.terminate();
    print([await ended, await untilClosed()]);
  },

  // The Worker's files are on a loop of the main thread, which goes on without it.
  async workerOnOurLoop() {
    const loop = new EventLoop();
    const worker = new Worker(new URL(import.meta.url), {
      workerData: ['isTerminatedOnAttachedLoop', folder, loop.handle],
    });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    print([await untilClosed(), (await readFile(file, { loop })).length]);
  },

  async mainExits() {
    const workers = Array.from({ length: 3 }, () => {
      return new Worker(new URL(import.meta.url), { workerData: ['isTerminated', folder] });
    });
    await Promise.all(
      workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
    );
    process.exit(7);
  },
};

const inWorker = {
  async isTerminated() {
    keepBusy(new EventLoop());
    keepBusy(EventLoop.shared());
    await readFile(file);
    parentPort.postMessage('terminate me');
  },
  async isTerminatedOnAttachedLoop() {
    const loop = EventLoop.attach(handle);
    keepBusy(loop);
    await readFile(file, { loop });
    parentPort.postMessage('terminate me');
  },
  isTerminatedAtOnce() {
    keepBusy(EventLoop.shared());
    parentPort.postMessage('terminate me');
  },
  async exits() {
    keepBusy(EventLoop.shared());
    await readFile(file);
    process.exit(5);
  },
  async throws() {
    keepBusy(EventLoop.shared());
    await readFile(file);
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  },
  async returns() {
    await readFile(file);
    createReadStream(file);
    createWriteStream(join(folder, 'left-open'));
  },
};

(isMainThread ? onMain : inWorker)[name]();
