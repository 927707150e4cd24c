// The ways in which threads end that are bridged, by name: `node bridge.mjs <name>`. The same file is
// the Worker.

import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import {
  Caller,
  expose,
  forwardOutput,
  Reporter,
  receiveOutput,
  receiveReports,
} from 'sideloop/bridge';

const name = isMainThread ? process.argv[2] : workerData.name;

function start(loop) {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { name, handle: loop.handle },
  });
  return { worker, ended: new Promise((resolve) => worker.once('exit', resolve)) };
}

const onMain = {
  // The default receiver, the Worker's process.exit(), and the end of the process by itself.
  async prints() {
    const loop = new EventLoop();
    receiveOutput(loop);
    await start(loop).ended;
  },
  // A listener that throws: the reports behind it come all the same.
  async throws() {
    const loop = new EventLoop();
    process.on('uncaughtException', (error) => console.log(error.message));
    let count = 0;
    receiveReports(loop, (type) => {
      count++;
      if (type === 'bad') throw new Error('thrown on purpose');
      if (type === 'last') console.log(count);
    });
    await start(loop).ended;
  },
  // Nobody hears what is sent, and nobody answers; the process ends all the same.
  async returnsUnheard() {
    const loop = new EventLoop();
    console.log(await start(loop).ended);
  },
  async terminatesBusySenders() {
    const loop = new EventLoop();
    let last = -1;
    const begun = new Promise((resolve) => {
      receiveReports(loop, (_type, n) => {
        if (n !== ++last) throw new Error(`${n} in place of ${last}`);
        resolve();
      });
    });
    expose(loop, { echo: (value) => value });
    const { worker } = start(loop);
    await begun;
    await worker.terminate();
    console.log('terminated');
  },
  async exitsWithBusySenders() {
    const loop = new EventLoop();
    expose(loop, { echo: (value) => value });
    const workers = [start(loop), start(loop)];
    await new Promise((resolve) => receiveReports(loop, resolve));
    setImmediate(() => process.exit(9), workers);
  },
};

const inWorker = {
  prints() {
    forwardOutput(workerData.handle, { source: 'w' }).log('warn', 'a record', { n: 1 });
    process.stdout.write('half ');
    console.log('a line\nand another');
    process.on('exit', () => console.log('the last'));
    process.exit(0);
  },
  throws() {
    const reporter = new Reporter(workerData.handle);
    for (let i = 0; i < 10; i++) reporter.report(i % 3 === 0 ? 'bad' : 'good');
    reporter.report('last');
  },
  returnsUnheard() {
    const reporter = new Reporter(workerData.handle, { capacity: 2 });
    for (let i = 0; i < 10; i++) reporter.report('unheard');
    new Caller(workerData.handle);
  },
  async terminatesBusySenders() {
    const reporter = new Reporter(workerData.handle);
    const caller = new Caller(workerData.handle);
    for (let n = 0; ; ) {
      await reporter.ready();
      for (let i = 0; i < 100; i++) if (reporter.report('n', n)) n++;
      await caller.call('echo', n);
    }
  },
};
inWorker.exitsWithBusySenders = inWorker.terminatesBusySenders;

if (isMainThread) onMain[name]();
else inWorker[name]();
