// A consumer in a process of its own: `node consumer.mjs <port> <name> <options as JSON> <ms that a job takes, or hangs>`. It writes
// down what it begins and ends, in the list `log` at the server, and prints a line for each signal that is aborted and
// each settlement that is refused.

import { setTimeout as sleep } from 'node:timers/promises';
import { Consumer } from 'sideloop/lease';
import { Redis } from 'sideloop/redis';

const [port, name, options, takes] = process.argv.slice(2);
const redis = new Redis(Number(port));
const consumer = new Consumer(redis, {
  stream: 'jobs',
  group: 'g',
  name,
  ...JSON.parse(options),
});
const print = (...words) => console.log(words.join(' '));
const note = (what, job) => redis.rpush('log', `${name} ${what} ${job.fields.n} ${job.attempt}`);

consumer.on('error', (error) => print('error', error.code, error.reason ?? ''));
print('ready');
await consumer.run(async (job) => {
  job.signal.addEventListener('abort', () =>
    print('aborted', job.fields.n, job.signal.reason.reason),
  );
  await note('began', job);
  if (takes === 'hangs') for (;;);
  await sleep(Number(takes));
  await note('ended', job);
});
