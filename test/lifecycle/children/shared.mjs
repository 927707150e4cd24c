// The ways in which threads end that share a loop and a connection, by name: `node shared.mjs <name>
// <redis url>`. The same file is the Worker.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { Redis } from 'sideloop/redis';
// Not public: one for each loop, of which this makes many.
import { Files } from '../../../dist/fs/files.js';

const [name, url] = isMainThread ? process.argv.slice(2) : [workerData.name, workerData.url];
const print = (value) => console.log(JSON.stringify(value));

/** Starts a Worker with what it attaches to; `said` resolves with its first message. */
function start(data = {}) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, url, ...data } });
  const said = new Promise((resolve) => worker.once('message', resolve));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  return { worker, said, ended };
}

// Runs share a server: each has keys of its own. The Workers have the process's id too.
const own = (key) => `${process.pid} ${key}`;

async function opened() {
  const loop = new EventLoop();
  const redis = new Redis(url, { loop });
  await redis.connect();
  return { loop, redis };
}

/** Commands in flight for ever; of each reply the number must be the next. */
async function countUp(redis, key, until = () => false) {
  let count = 0;
  while (!until()) {
    const replies = await Promise.all(Array.from({ length: 500 }, () => redis.incr(own(key))));
    for (const reply of replies) {
      if (reply !== ++count) throw new Error(`${reply} in place of ${count}`);
    }
  }
  return count;
}

const onMain = {
  // Four Workers in mid-flight are terminated; the main thread counts its replies exactly.
  async terminatesBusyWorkers() {
    const { loop, redis } = await opened();
    let done = false;
    const mine = countUp(redis, 'mine', () => done);
    const workers = [0, 1, 2, 3].map((i) => start({ handle: redis.handle, key: `doomed ${i}` }));
    await Promise.all(workers.map(({ said }) => said));
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
    done = true;
    const counted = await mine;
    print([Number(await redis.get(own('mine'))) === counted, redis.stats().connects]);
    await loop.stop();
  },
  async exitsWithBusyWorkers() {
    const { redis } = await opened();
    const workers = [0, 1, 2].map((i) => start({ handle: redis.handle, key: `doomed ${i}` }));
    await Promise.all(workers.map(({ said }) => said));
    countUp(redis, 'mine too');
    setImmediate(() => process.exit(8));
  },
  // The loop is a Worker's: the main thread's commands are in flight on it when that is terminated.
  async terminatesTheOwner() {
    const { worker, said } = start();
    const handle = await said;
    const redis = Redis.attach(handle);
    const loop = redis.loop;
    await redis.ping();
    const doomed = countUp(redis, 'doomed').catch((error) => error.code);
    await worker.terminate();
    await loop.stop();
    print([await doomed, loop.post(() => {})]);
  },
  // Both end on their own: neither attachment keeps its thread alive.
  async returns() {
    const { redis } = await opened();
    const { ended, said } = start({ handle: redis.handle });
    print([await said, await ended, await redis.ping()]);
  },
  // At whatever step of making a client, or of sending bytes, a Worker is: nothing reads what it can't have any more.
  async terminatesInTheBinding() {
    const { loop, redis } = await opened();
    for (const task of ['make', 'send', 'open', 'make', 'send', 'open']) {
      const { worker, said } = start({ handle: redis.handle, task });
      await said;
      await worker.terminate();
    }
    print(await redis.ping());
    await loop.stop();
  },
  // The main thread's loop is stopped while Workers are in mid-flight on it.
  async stopsUnderBusyWorkers() {
    const { loop, redis } = await opened();
    const workers = [0, 1].map((i) => start({ handle: redis.handle, key: `stopped ${i}` }));
    await Promise.all(workers.map(({ said }) => said));
    const outcomes = workers.map(
      ({ worker }) => new Promise((resolve) => worker.once('message', resolve)),
    );
    await loop.stop();
    print(await Promise.all(outcomes));
  },
};

const inWorker = {
  async terminatesBusyWorkers() {
    const redis = Redis.attach(workerData.handle);
    await redis.ping();
    parentPort.postMessage('busy');
    await countUp(redis, workerData.key);
  },
  async terminatesTheOwner() {
    const { redis } = await opened();
    parentPort.postMessage(redis.handle);
    countUp(redis, 'of the owner');
  },
  async terminatesInTheBinding() {
    const redis = Redis.attach(workerData.handle);
    const { loop } = redis;
    await redis.ping();
    parentPort.postMessage('busy');
    if (workerData.task === 'make') for (;;) new Redis(url, { loop, lazyConnect: true });
    if (workerData.task === 'open') for (;;) new Files(loop);
    const bytes = Buffer.alloc(3);
    for (;;) await Promise.all(Array.from({ length: 500 }, () => redis.call('ECHO', bytes)));
  },
  async returns() {
    parentPort.postMessage(await Redis.attach(workerData.handle).ping());
  },
  async stopsUnderBusyWorkers() {
    const redis = Redis.attach(workerData.handle);
    await redis.ping();
    parentPort.postMessage('busy');
    const code = await countUp(redis, workerData.key).catch((error) => error.code);
    const refused = ['ERR_SIDELOOP_STOPPED', 'ERR_SIDELOOP_REDIS_CLOSED'];
    parentPort.postMessage(refused.includes(code));
  },
};
inWorker.exitsWithBusyWorkers = inWorker.terminatesBusyWorkers;

if (isMainThread) onMain[name]();
else inWorker[name]();
