// Holds a lease and a job, in a process whose machine is said to sleep: `node sleeper.mjs <port>`. Prints how long both are
// valid when it is asked to by a line, and how they end.

import { createInterface } from 'node:readline';
import { acquire, Consumer } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';

const redis = new Redis(Number(process.argv[2]));
const print = (line) => console.log(JSON.stringify(line));
const lease = await acquire(redis, 'k', { ttlMs: 9_000, renewEveryMs: 900 });
const consumer = new Consumer(redis, {
  stream: 'jobs',
  group: 'g',
  leaseMs: 9_000,
  renewEveryMs: 900,
  prefetch: 2,
});
const jobs = consumer[Symbol.asyncIterator]();
const { value: job } = await jobs.next();
lease.signal.addEventListener('abort', () => print({ lease: lease.signal.reason.reason }));
job.signal.addEventListener('abort', () => print({ job: job.signal.reason.reason }));
createInterface({ input: process.stdin }).on('line', () => {
  print({ valid: [lease.validForMs(), job.validForMs()] });
});
print('ready');
