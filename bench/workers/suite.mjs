// Several Workers that all need Redis. It exists because a connection for each of them, with a parser
// in each, is what one pays today: here they share one, whose commands travel together.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { keyspace } from '../keyspace.mjs';
import { seed } from '../redis-server.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kStartAndStopMs = 30_000;
const kBytes = 16;
const kInFlight = 100;

async function measure({ threads }, contestant, { port, seconds }) {
  const { keys, values } = keyspace('get', kBytes);
  await seed(port, keys, values);
  const args = [contestantScript, '--arrangement', contestant, '--port', port];
  args.push('--threads', threads, '--bytes', kBytes, '--inflight', kInFlight, '--seconds', seconds);
  return measureInChild(process.execPath, args.map(String), kStartAndStopMs + seconds * 3000);
}

export const workers = {
  name: 'workers',
  about: `Workers over one shared connection against a connection each, ${kInFlight} GETs in flight in each`,
  product: ['index.js', 'redis/index.js'],
  needsPeers: true,
  needsServer: true,
  contestants: ['sideloop', 'sideloop-connection-each', 'ioredis', 'ioredis-autopipelining'],
  metrics: [
    { key: 'opsPerSecond', title: 'op/s', better: 'higher' },
    { key: 'opsPerCpuSecond', title: 'op/CPU s', better: 'higher' },
    { key: 'p50Micros', title: 'p50 us', better: 'lower' },
    { key: 'p99Micros', title: 'p99 us', better: 'lower' },
    { key: 'connections', title: 'connections' },
    { key: 'residentMiB', title: 'resident MiB', better: 'lower' },
  ],
  cases: () =>
    [1, 2, 4].map((threads) => ({
      id: `workers-${threads}`,
      title: `${threads} Worker${threads > 1 ? 's' : ''}`,
      threads,
    })),
  measure,
};
