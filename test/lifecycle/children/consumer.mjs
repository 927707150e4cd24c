// The ways in which a process or a Worker ends that has a consumer, by name: `node consumer.mjs <name> <url>`. The same
// file is the Worker.

import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { Consumer } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';

const [name, url] = isMainThread ? process.argv.slice(2) : [workerData.name, workerData.url];
const print = (value) => console.log(JSON.stringify(value));
// Runs share a server: each has a stream of its own.
const stream = workerData?.stream ?? `jobs:${process.pid}`;
const never = () => new Promise(() => {});

async function consumerWith(count, options = {}, loop = undefined) {
  const redis = new Redis(url, loop === undefined ? {} : { loop });
  for (let n = 0; n < count; n++) await redis.call('XADD', stream, '*', 'n', `${n}`);
  const consumer = new Consumer(redis, { stream, group: 'g', ...options });
  // A dead letter that nobody listens to is a line on stderr.
  consumer.on('dead', () => {});
  return { redis, consumer };
}

const onMain = {
  async openHoldsTheProcess() {
    const { redis, consumer } = await consumerWith(0);
    consumer.run(() => {});
    await redis.quit();
    // The timer holds nothing: it fires only because the consumer does.
    setTimeout(() => consumer.close().then(() => print('closed')), 50).unref();
  },

  async unreferencedDoesNot() {
    const { redis, consumer } = await consumerWith(1);
    consumer.unref();
    const holds = setInterval(() => {}, 1000);
    await new Promise((resolve) => {
      consumer.run(() => resolve());
    });
    await redis.quit();
    clearInterval(holds);
    print('ran');
  },

  async unusedDoesNot() {
    const { redis } = await consumerWith(0);
    await redis.quit();
    print('quit');
  },

  async closedDoesNot() {
    const { redis, consumer } = await consumerWith(3, { concurrency: 3 });
    let ran = 0;
    await consumer.run(() => {
      if (++ran === 3) consumer.close();
    });
    await consumer.close();
    print(await redis.call('XPENDING', stream, 'g', '-', '+', 10));
    await redis.quit();
  },

  async exitsInAHandler() {
    const { consumer } = await consumerWith(20, { concurrency: 5 });
    consumer.run((job) => {
      if (job.fields.n === '7') process.exit(3);
    });
  },

  async handsOverAcksAtExit() {
    const { redis, consumer } = await consumerWith(1);
    for await (const job of consumer) {
      // Staged in the last turn: the exit event hands it over, and the loop sends what it took.
      job.ack();
      break;
    }
    process.on('exit', () => print('exits'));
    redis.disconnect();
    process.exit(4);
  },

  async throwsInAHandler() {
    const { redis, consumer } = await consumerWith(1, { maxAttempts: 1 });
    await consumer.run(() => {
      setImmediate(() => consumer.close());
      throw new Error('on purpose');
    });
    print(consumer.stats().dead);
    await redis.quit();
  },

  async loopStops() {
    const loop = new EventLoop();
    const { consumer } = await consumerWith(10, { concurrency: 5 }, loop);
    const reasons = [];
    await new Promise((resolve) => {
      consumer.run((job) => {
        job.signal.addEventListener('abort', () => reasons.push(job.signal.reason.reason));
        if (consumer.stats().active === 5) resolve();
        return never();
      });
    });
    await loop.stop();
    await consumer.close();
    print(reasons);
  },

  async loopIsDestroyedInAHandler() {
    const loop = new EventLoop();
    const { consumer } = await consumerWith(5, { concurrency: 5 }, loop);
    await consumer.run(() => loop.destroy());
    await consumer.close();
    print('ended');
  },

  async workerIsTerminated() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    for (let n = 0; n < 6; n++) await redis.call('XADD', stream, '*', 'n', `${n}`);
    const handle = loop.handle;
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { name: 'holds', url, stream, handle },
    });
    await once(worker, 'message');
    await worker.terminate();
    // On a loop that lives on: what the Worker held is handed back, and nobody renews it.
    const consumer = new Consumer(redis, { stream, group: 'g', concurrency: 6 });
    const attempts = [];
    await consumer.run((job) => {
      attempts.push(job.attempt);
      if (attempts.length === 6) consumer.close();
    });
    await consumer.close();
    await redis.quit();
    print(attempts.toSorted());
  },

  async workersOwnLoopsAreTerminated() {
    const workers = Array.from(
      { length: 3 },
      () => new Worker(new URL(import.meta.url), { workerData: { name: 'works', url, stream } }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
    print('terminated');
  },

  async exitsWithBusyWorkers() {
    const workers = Array.from(
      { length: 3 },
      () => new Worker(new URL(import.meta.url), { workerData: { name: 'works', url, stream } }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    process.exit(8);
  },
};

const inWorker = {
  async holds() {
    const loop = EventLoop.attach(workerData.handle);
    const { consumer } = await consumerWith(0, { concurrency: 3, prefetch: 3 }, loop);
    let begun = 0;
    await consumer.run(() => {
      if (++begun === 3) parentPort.postMessage('holds');
      return never();
    });
  },

  async works() {
    const { redis, consumer } = await consumerWith(100, { concurrency: 10 });
    let seen = 0;
    await consumer.run(async (job) => {
      await redis.call('XADD', stream, '*', 'n', job.fields.n);
      if (++seen === 50) parentPort.postMessage('works');
    });
  },
};

await (isMainThread ? onMain : inWorker)[name]();
