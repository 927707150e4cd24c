// Jobs through one consumer process. It exists because a lease, a token and an ack that is checked for
// every job must not be paid with throughput: against a queue that everybody knows, and against a
// consumer group without any of them, which is the floor.
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectBare } from '../bare-redis.mjs';
import { measureInChild } from '../child.mjs';
import { startRedisServer } from '../redis-server.mjs';
import { temporaryFolder } from '../temporary-folder.mjs';

const throughputScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const latencyScript = fileURLToPath(new URL('./latency-contestant.mjs', import.meta.url));
const fillScript = fileURLToPath(new URL('./fill.mjs', import.meta.url));
const kStartAndStopMs = 30_000;
const kFillMs = 300_000;
// Of the measured time that is asked for: a consumer needs some seconds to show what it can.
const kFactor = 5;

const throughputMetrics = [
  { key: 'jobsPerSecond', title: 'jobs/s', better: 'higher' },
  { key: 'mainMicros', title: 'main us/job', better: 'lower' },
  { key: 'totalMicros', title: 'total us/job', better: 'lower' },
  { key: 'serverMicros', title: 'server us/job', better: 'lower' },
];
const latencyMetrics = [
  { key: 'p50Micros', title: 'p50 us', better: 'lower' },
  { key: 'p99Micros', title: 'p99 us', better: 'lower' },
];

// A contestant's name tells its concurrency where it is not the case's.
function cases(quick) {
  const many = 1000;
  return [
    {
      id: 'many',
      title: `${many} jobs at a time; BullMQ at four concurrencies, of which the best counts`,
      count: quick ? 20_000 : 200_000,
      concurrency: many,
      metrics: throughputMetrics,
      contestants: [
        'sideloop',
        'bullmq-10',
        'bullmq-50',
        'bullmq-200',
        'bullmq-1000',
        'ioredis-streams',
      ],
    },
    {
      id: 'one',
      title: 'one job at a time, its ack awaited before the next',
      count: quick ? 10_000 : 50_000,
      concurrency: 1,
      metrics: throughputMetrics,
      contestants: ['sideloop', 'bullmq', 'ioredis-streams'],
    },
    {
      id: 'latency',
      title: 'from add to the handler of an idle consumer',
      metrics: latencyMetrics,
      contestants: ['sideloop', 'bullmq', 'ioredis-streams'],
    },
  ];
}

function setUp() {
  const folder = temporaryFolder();
  return { folder: folder.path, dumps: new Map(), tearDown: folder.remove };
}

// A server's file with a filled queue, made once for each kind of queue: the runs start from copies.
async function filled(client, count, { folder, dumps }) {
  const key = `${client}-${count}`;
  if (!dumps.has(key)) {
    const server = await startRedisServer();
    const args = [fillScript, '--client', client, '--port', server.port, '--count', count];
    const { error } = await measureInChild(process.execPath, args.map(String), kFillMs);
    const control = await connectBare(server.port);
    await control.call('SAVE');
    control.close();
    const dump = `${folder}/${key}.rdb`;
    copyFileSync(`${server.folder}/dump.rdb`, dump);
    await server.stop();
    dumps.set(key, { dump, error });
  }
  return dumps.get(key);
}

async function measure(one, contestant, context) {
  const [, client, own] = /^(.*?)(?:-(\d+))?$/.exec(contestant);
  const seconds = context.seconds * kFactor;
  const timeoutMs = kStartAndStopMs + seconds * 3000;
  if (one.count === undefined) {
    const server = await startRedisServer();
    const args = [latencyScript, '--client', client, '--port', server.port, '--seconds', seconds];
    const run = await measureInChild(process.execPath, args.map(String), timeoutMs);
    await server.stop();
    return run;
  }
  const { dump, error } = await filled(client, one.count, context);
  if (error) return { error: `the queue was not filled: ${error}` };
  const server = await startRedisServer({ dump });
  const args = [throughputScript, '--client', client, '--port', server.port];
  args.push('--server-pid', server.pid, '--count', one.count, '--seconds', seconds);
  args.push('--concurrency', own ?? one.concurrency);
  const run = await measureInChild(process.execPath, args.map(String), timeoutMs);
  await server.stop();
  return run;
}

export const jobs = {
  name: 'jobs',
  about: 'jobs with acks through one consumer process',
  product: ['lease/index.js', 'redis/index.js'],
  needsPeers: true,
  contestants: [
    ...['sideloop', 'bullmq', 'bullmq-10', 'bullmq-50', 'bullmq-200', 'bullmq-1000'],
    'ioredis-streams',
  ],
  cases,
  setUp,
  measure,
};
