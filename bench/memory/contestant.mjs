// Creates a number of loops, each with one connection that has answered a PING, keeps them all,
// and prints what one of them added to the resident memory and how long it took to answer.
// One is made before the measurement, so that code that is loaded once is not counted.
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { residentBytes } from '../kernel-account.mjs';
import { printAndExit } from '../measurement.mjs';

const { values: options } = parseArgs({
  options: {
    contestant: { type: 'string' },
    port: { type: 'string' },
    count: { type: 'string' },
  },
});
const port = Number(options.port);
const count = Number(options.count);

function startWorker(source) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: { port } });
    worker.once('message', () => resolve(worker));
    worker.once('error', reject);
  });
}

const ioredisUrl = import.meta.resolve('ioredis');
// The listener is what keeps the Worker alive.
const workerAlone = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', () => {});
  parentPort.postMessage('ready');
`;
const workerWithIoredis = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(ioredisUrl)}).then(async ({ Redis }) => {
    const redis = new Redis({ host: '127.0.0.1', port: workerData.port });
    await redis.ping();
    parentPort.postMessage('ready');
  });
`;

const contestants = {
  async sideloop() {
    const { EventLoop } = await import('../../dist/index.js');
    const { Redis } = await import('../../dist/redis/index.js');
    return async () => {
      const loop = new EventLoop({ name: 'bench' });
      const redis = new Redis({ host: '127.0.0.1', port, loop });
      await redis.call('PING');
      return { loop, redis };
    };
  },
  'worker-with-ioredis': async () => () => startWorker(workerWithIoredis),
  'worker-alone': async () => () => startWorker(workerAlone),
};

const start = await contestants[options.contestant]();
const kept = [await start()];
globalThis.gc();
const residentBefore = residentBytes();
const begun = performance.now();
for (let made = 0; made < count; made++) kept.push(await start());
const elapsedMs = performance.now() - begun;
globalThis.gc();
const resident = residentBytes() - residentBefore;

printAndExit({
  contestant: options.contestant,
  kept: kept.length,
  residentMiB: resident / count / 2 ** 20,
  startMs: elapsedMs / count,
});
