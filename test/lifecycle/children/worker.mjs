// The ways in which a Worker ends, by name: `node worker.mjs <name> <redis url>`. The same file is
// the Worker. The main thread does not load the addon, so that the last Worker's end unloads it
// where nothing prevents that.

import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const [name, url] = isMainThread ? process.argv.slice(2) : [workerData.name, workerData.url];
const WORKERS_AT_ONCE = 8;

/** Starts a Worker; `done` resolves with its exit code and what it said. */
function start() {
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, url } });
  const messages = [];
  worker.on('message', (message) => messages.push(message));
  const done = new Promise((resolve) => {
    let error;
    worker.on('error', (thrown) => {
      error = thrown.message;
    });
    worker.on('exit', (code) => resolve(error ? [code, error] : [code, ...messages]));
  });
  const said = new Promise((resolve) => worker.once('message', resolve));
  return { worker, done, said };
}

const print = (value) => console.log(JSON.stringify(value));

/** What the main thread does about the Worker. */
const onMain = {
  async returns() {
    print(await start().done);
  },
  async returnsWithCommandInFlight() {
    print(await start().done);
  },
  async leavesAddonMapped() {
    const mapped = () => readFileSync('/proc/self/maps', 'utf8').includes('sideloop.node');
    const before = mapped();
    await start().done;
    print([before, mapped()]);
  },
  async exits() {
    print(await start().done);
  },
  async throws() {
    print(await start().done);
  },
  async isTerminated() {
    const { worker, done, said } = start();
    await said;
    await worker.terminate();
    print((await done)[0]);
  },
  async isTerminatedAtOnce() {
    const { worker, done } = start();
    await worker.terminate();
    print(await done);
  },
  async manyReturn() {
    const workers = Array.from({ length: WORKERS_AT_ONCE }, start);
    const endings = await Promise.all(workers.map((worker) => worker.done));
    print(endings.every(([code, tally]) => code === 0 && tally === 2000));
  },
  async mainExits() {
    const workers = Array.from({ length: 3 }, start);
    await Promise.all(workers.map((worker) => worker.said));
    process.exit(7);
  },
};

/** What the Worker does. */
const inWorker = {
  async returns({ Redis }) {
    parentPort.postMessage(await new Redis(url).ping());
  },
  async returnsWithCommandInFlight({ Redis }) {
    new Redis(url).blpop('none', 0.1).then((reply) => parentPort.postMessage(reply));
  },
  async exits({ Redis }) {
    const redis = new Redis(url);
    await redis.ping();
    keepBusy(redis);
    setImmediate(() => process.exit(5));
  },
  async throws({ Redis }) {
    const redis = new Redis(url);
    await redis.ping();
    keepBusy(redis);
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  },
  async isTerminated({ Redis, EventLoop }) {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    keepBusy(redis);
    new Redis(url, { loop }).blpop('none', 0);
    keepPosting(loop);
    await redis.ping();
    parentPort.postMessage('busy');
  },
  isTerminatedAtOnce({ Redis }) {
    keepBusy(new Redis(url));
  },
  async manyReturn({ Redis, EventLoop }) {
    const redis = new Redis(url, { loop: new EventLoop() });
    const gets = Array.from({ length: 2000 }, () => redis.get('none'));
    parentPort.postMessage((await Promise.all(gets)).length);
  },
};
inWorker.mainExits = inWorker.isTerminated;
inWorker.leavesAddonMapped = inWorker.returns;

/** Commands in flight for ever. */
async function keepBusy(redis) {
  for (;;) await Promise.all(Array.from({ length: 1000 }, () => redis.get('none')));
}

function keepPosting(loop) {
  loop.post(() => keepPosting(loop));
}

if (isMainThread) {
  onMain[name]();
} else {
  const { EventLoop } = await import('sideloop');
  const { Redis } = await import('sideloop/redis');
  inWorker[name]({ EventLoop, Redis });
}
