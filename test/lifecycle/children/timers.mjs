// The ways in which a thread with timers ends, by name: `node timers.mjs <name>`. The Workers are the same file. Each
// prints what JavaScript could see before the end.

import { readdirSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const name = isMainThread ? process.argv[2] : workerData.name;
const print = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value));

const { EventLoop } = await import('sideloop');
const { FrameBatcher, promises, setInterval, setTimeout, timersOf } = await import(
  'sideloop/timers'
);

/** Timers of all kinds that fire all the time, on two loops. */
function keepBusy() {
  const { setTimeout: setOther } = timersOf(new EventLoop());
  for (let i = 0; i < 500; i++) {
    const again = () => (i % 2 === 0 ? setTimeout : setOther)(again, i % 5);
    again();
    setInterval(() => {}, 1 + (i % 3));
    promises.setTimeout(1e6).catch(() => {});
  }
  const batcher = new FrameBatcher(() => batcher.add(1), { frameMs: 1 });
  batcher.add(1);
}

/** Ends with the Worker's exit code. */
function startWorker(handle) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, handle } });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const busy = new Promise((resolve) => worker.once('message', resolve));
  return { worker, busy, ended };
}

const cases = {
  returnsWithTimerPending() {
    setTimeout(() => print('fired'), 20);
  },

  returnsWithWaitPending() {
    promises.setTimeout(20, 'value').then(print);
  },

  returnsWithIntervalCleared() {
    let times = 0;
    const interval = setInterval(() => {
      print('tick');
      if (++times === 2) interval.close();
    }, 2);
  },

  async returnsWithUnreferencedTimers() {
    setTimeout(() => print('never'), 1e6).unref();
    setInterval(() => print('never'), 1e6).unref();
    promises.setTimeout(1e6, null, { ref: false }).then(print);
    const loop = new EventLoop();
    timersOf(loop).setTimeout(() => print('never'), 1e6);
    loop.unref();
    // Referenced again and cleared: nothing of it is left over.
    setTimeout(() => {}, 1e6)
      .unref()
      .ref()
      .close();
    await promises.setTimeout(5);
    print('over');
  },

  returnsWithBatchPending() {
    new FrameBatcher(print, { frameMs: 10 }).add('item');
  },

  exitsWithTimersPending() {
    keepBusy();
    setTimeout(() => process.exit(3), 20);
  },

  exitsAtOnce() {
    keepBusy();
    process.exit(4);
  },

  throwsInTimers() {
    process.on('uncaughtException', (error) => print(error.message));
    setTimeout(() => print('before'), 1);
    setTimeout(() => {
      throw new Error('thrown on purpose');
    }, 1);
    setTimeout(() => print('after'), 1);
  },

  async destroysInCallback() {
    const loop = new EventLoop();
    const timers = timersOf(loop);
    const wait = timers.promises.setTimeout(1e6).catch((error) => error.code);
    timers.setTimeout(() => loop.destroy(), 1);
    timers.setInterval(() => {}, 1);
    print(await wait);
  },

  // Each use of the loop has a timer of the system's: on Linux a file descriptor.
  async detachesAgainAndAgain() {
    const loop = new EventLoop();
    const openFiles = () =>
      process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
    const before = openFiles();
    for (let i = 0; i < 50; i++) {
      const attached = EventLoop.attach(loop.handle);
      await timersOf(attached).promises.setTimeout(0);
      attached.detach();
    }
    // What closes the last is on its way; the second post goes behind it.
    for (let i = 0; i < 2; i++) await new Promise((resolve) => loop.post(resolve));
    print(`stay: ${openFiles() - before >= 25}`);
    await loop.stop();
  },

  async workerReturns() {
    print(await startWorker().ended);
  },
  async workerIsTerminated() {
    const { worker, busy, ended } = startWorker();
    await busy;
    await worker.terminate();
    print(await ended);
  },
  async workerExits() {
    print(await startWorker().ended);
  },
  // The loop is the main thread's, and lives on: what the Worker had on it must be gone.
  async workerLeavesNothing() {
    const loop = new EventLoop();
    const { worker, busy, ended } = startWorker(loop.handle);
    await busy;
    await worker.terminate();
    await ended;
    // What closes it is on its way; a post goes behind it.
    await new Promise((resolve) => loop.post(resolve));
    const { iterations } = loop.stats();
    await promises.setTimeout(50);
    print(`idle: ${loop.stats().iterations - iterations <= 1}`);
    await loop.stop();
  },
  async mainExitsWithWorkers() {
    keepBusy();
    const workers = [startWorker(), startWorker(), startWorker()];
    await Promise.all(workers.map(({ busy }) => busy));
    process.exit(7);
  },
};

const inWorker = {
  async workerReturns() {
    keepBusyFor(20);
  },
  workerIsTerminated() {
    keepBusy();
    setTimeout(() => parentPort.postMessage('busy'), 5);
  },
  workerLeavesNothing() {
    const { setInterval: setOnMain, setTimeout: setOnceOnMain } = timersOf(
      EventLoop.attach(workerData.handle),
    );
    let ticks = 0;
    setOnMain(() => {
      if (++ticks === 5) parentPort.postMessage('busy');
    }, 1);
    const again = () => setOnceOnMain(again, 1);
    again();
  },
  workerExits() {
    keepBusy();
    setTimeout(() => process.exit(5), 10);
  },
  mainExitsWithWorkers() {
    inWorker.workerIsTerminated();
  },
};

/** Timers that end by themselves. */
function keepBusyFor(ms) {
  const end = performance.now() + ms;
  for (let i = 0; i < 100; i++) {
    const again = () => {
      if (performance.now() < end) setTimeout(again, i % 3);
    };
    again();
    const interval = setInterval(() => {
      if (performance.now() >= end) interval.close();
    }, 1);
  }
}

await (isMainThread ? cases : inWorker)[name]();
