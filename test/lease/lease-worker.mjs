// Workers that hold leases, by name.

import { parentPort, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { acquire } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';

const { name, url, handle, ttlMs = 600_000 } = workerData;
const loop = handle === undefined ? new EventLoop() : EventLoop.attach(handle);
const redis = new Redis(url, { loop });

const cases = {
  async holds() {
    await acquire(redis, 'job', { ttlMs });
    parentPort.postMessage('holds');
  },
  async waits() {
    await acquire(redis, 'job', { ttlMs, wait: true });
  },
  async isBusy() {
    const lease = await acquire(redis, 'job', { ttlMs: 300, maxBlockMs: 300 });
    const end = performance.now() + 600;
    while (performance.now() < end);
    if (!lease.signal.aborted) {
      await new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
    }
    parentPort.postMessage(lease.signal.reason.reason);
    await redis.quit();
  },
};
await cases[name]();
