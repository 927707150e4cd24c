// The ways in which a process or a Worker ends that has leases, by name: `node lease.mjs <name> <redis url>`. The same file
// is the Worker.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { acquire } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';

const [name, url] = isMainThread ? process.argv.slice(2) : [workerData.name, workerData.url];
const print = (value) => console.log(JSON.stringify(value));

// Runs share a server: each has keys of its own. Those that are not given back must not last for long either.
const own = (key) => `job ${process.pid} ${key}`;
const FOR_LONG = { ttlMs: 600_000 };

async function opened(options = {}) {
  const redis = new Redis(url, options);
  // It alone keeps no process alive.
  await redis.ping();
  return redis;
}

/** Acquires and releases for ever. */
async function traffic(redis, until = () => false) {
  const lane = async (i) => {
    while (!until()) {
      const lease = await acquire(redis, own(i % 3), { ttlMs: 1000, renewEveryMs: 2, wait: true });
      await lease.release();
    }
  };
  await Promise.all(Array.from({ length: 9 }, (_, i) => lane(i)));
}

function start(data = {}) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, url, ...data } });
  worker.on('error', () => {});
  const said = new Promise((resolve) => worker.once('message', resolve));
  return { worker, said };
}

const onMain = {
  async leaseHolds() {
    const lease = await acquire(await opened(), own('a'), { ttlMs: 1500 });
    // The timer holds nothing: it fires only because the lease does.
    const looking = setInterval(async () => {
      if (lease.stats().renewals <= 2) return;
      clearInterval(looking);
      print(['held', true]);
      await lease.release();
    }, 20).unref();
  },
  async waiterHolds() {
    const redis = await opened();
    const lease = await acquire(redis, own('a'), { ttlMs: 200, maxLeaseMs: 300 });
    lease.unref();
    acquire(redis, own('a'), { ttlMs: 200, wait: true }).then(async (next) => {
      print('granted');
      await next.release();
    });
  },
  async unreferencedDoesNot() {
    const lease = await acquire(await opened(), own('a'), FOR_LONG);
    lease.unref().ref().unref();
    print('held');
  },
  async releaseHolds() {
    const lease = await acquire(await opened(), own('a'), FOR_LONG);
    lease.unref();
    lease.release().then((wasOurs) => print(wasOurs));
    lease.ref().unref();
  },
  async releasedDoesNot() {
    const lease = await acquire(await opened(), own('a'), FOR_LONG);
    await lease.release();
    lease.unref().ref();
    print('released');
  },
  async unreferencedLoopDoesNot() {
    const loop = new EventLoop();
    await acquire(await opened({ loop }), own('a'), FOR_LONG);
    loop.unref();
    print('held');
  },
  async exitsWithLeases() {
    const redis = await opened();
    await Promise.all(['a', 'b', 'c'].map((key) => acquire(redis, own(key), FOR_LONG)));
    acquire(redis, own('a'), { ...FOR_LONG, wait: true }).catch(() => {});
    await redis.ping();
    process.exit(3);
  },
  async throwsWithLeases() {
    await acquire(await opened(), own('a'), { ttlMs: 1000 });
    process.on('exit', () => {
      process.exitCode = 7;
    });
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  async exitsInTraffic() {
    const redis = await opened();
    traffic(redis).catch(() => {});
    setTimeout(() => process.exit(4), 50);
  },
  async attachedWorkersAreTerminated() {
    const loop = new EventLoop();
    const redis = await opened({ loop });
    for (let i = 0; i < 3; i++) {
      const { worker, said } = start({ handle: loop.handle });
      await said;
      const next = acquire(redis, own('a'), { ttlMs: 10_000, wait: true });
      await worker.terminate();
      await (await next).release();
    }
    print('all had it');
    await loop.stop();
  },
  async busyWorkersAreTerminated() {
    const loop = new EventLoop();
    const redis = await opened({ loop });
    const workers = [1, 2, 3].map(() => start({ handle: loop.handle }));
    await Promise.all(workers.map(({ said }) => said));
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
    for (let i = 0; i < 3; i++) {
      const lease = await acquire(redis, own(i), { ttlMs: 10_000, wait: true });
      await lease.release();
    }
    print('mine');
    await loop.stop();
  },
  async exitsWithWorkers() {
    const workers = [1, 2].map((i) => start({ key: i }));
    await Promise.all(workers.map(({ said }) => said));
    process.exit(5);
  },
  async collectsWhatIsOver() {
    const loop = new EventLoop();
    const gone = [];
    // A function of its own, so that no variable of this one holds the last of them.
    const use = async (i) => {
      const redis = await opened({ loop });
      const lease = await acquire(redis, own(i), { ttlMs: 10_000 });
      await lease.release();
      const ended = new Promise((resolve) => redis.once('end', resolve));
      await redis.quit();
      await ended;
      gone.push(new WeakRef(redis), new WeakRef(lease));
    };
    for (let i = 0; i < 5; i++) await use(i);
    while (gone.some((reference) => reference.deref() !== undefined)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      globalThis.gc();
    }
    print('collected');
    await loop.stop();
  },
};

const inWorker = {
  async attachedWorkersAreTerminated() {
    const redis = await opened({ loop: EventLoop.attach(workerData.handle) });
    await acquire(redis, own('a'), FOR_LONG);
    parentPort.postMessage('held');
  },
  async busyWorkersAreTerminated() {
    const redis = await opened({ loop: EventLoop.attach(workerData.handle) });
    setTimeout(() => parentPort.postMessage('busy'), 20);
    await traffic(redis);
  },
  async exitsWithWorkers() {
    await acquire(await opened(), own(workerData.key), { ttlMs: 1000 });
    parentPort.postMessage('held');
  },
};

await (isMainThread ? onMain : inWorker)[name]();
