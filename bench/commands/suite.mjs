// The main suite. It exists because "drives Redis faster, at a fraction of the main thread's CPU"
// is the reason to use sideloop at all: a ratio below 1 here means that the reason is gone.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { keyspace } from '../keyspace.mjs';
import { seed, verify } from '../redis-server.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kStartAndStopMs = 20_000;
const kSmallest = 16;

function allCases(quick) {
  const cases = [];
  for (const operation of ['get', 'set']) {
    for (const bytes of quick ? [kSmallest] : [kSmallest, 4096]) {
      for (const inFlight of [1, 10, 100, 1000]) {
        cases.push({
          id: `${operation}-${bytes}-${inFlight}`,
          title: `${operation.toUpperCase()} of ${bytes} bytes, ${inFlight} in flight`,
          operation,
          bytes,
          inFlight,
        });
      }
    }
  }
  return cases;
}

async function measure({ operation, bytes, inFlight }, contestant, { port, seconds }) {
  const { keys, values } = keyspace(operation, bytes);
  const unset = keys.map(() => 'unset');
  await seed(port, keys, operation === 'get' ? values : unset);
  const args = [contestantScript, '--client', contestant, '--port', port, '--bytes', bytes];
  args.push('--operation', operation, '--inflight', inFlight, '--seconds', seconds);
  const timeoutMs = kStartAndStopMs + seconds * 3000;
  const run = await measureInChild(process.execPath, args.map(String), timeoutMs);
  if (run.error !== undefined) return run;
  try {
    await verify(port, keys, values);
    return run;
  } catch (error) {
    return { error: error.message };
  }
}

export const commands = {
  name: 'commands',
  about: 'JavaScript clients, one connection each, closed loop',
  product: ['index.js', 'redis/index.js'],
  needsPeers: true,
  needsServer: true,
  contestants: [
    'sideloop',
    'node-redis',
    'ioredis',
    'ioredis-autopipelining',
    'valkey-glide',
    'redis-fast-driver',
  ],
  metrics: [
    { key: 'opsPerSecond', title: 'op/s', better: 'higher' },
    { key: 'mainMicros', title: 'main us/op', better: 'lower' },
    { key: 'totalMicros', title: 'total us/op', better: 'lower' },
    { key: 'p50Micros', title: 'p50 us', better: 'lower' },
    { key: 'p99Micros', title: 'p99 us', better: 'lower' },
  ],
  cases: allCases,
  measure,
};
