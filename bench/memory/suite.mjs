// What one more loop costs. It exists because the alternative to a sideloop loop is a Worker with
// a client of its own: a loop that is not far cheaper than that has no reason to be.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kTimeoutMs = 60_000;

function measure({ count }, contestant, { port }) {
  const args = ['--expose-gc', contestantScript, '--contestant', contestant];
  args.push('--port', String(port), '--count', String(count));
  return measureInChild(process.execPath, args, kTimeoutMs);
}

export const memory = {
  name: 'memory',
  about: 'resident memory and start time of one more loop with one connection, on average',
  product: ['index.js', 'redis/index.js'],
  needsPeers: true,
  needsServer: true,
  contestants: ['sideloop', 'worker-with-ioredis', 'worker-alone'],
  metrics: [
    { key: 'residentMiB', title: 'resident MiB', better: 'lower' },
    { key: 'startMs', title: 'start ms', better: 'lower' },
  ],
  cases: (quick) => {
    const count = quick ? 5 : 20;
    return [{ id: 'loops', title: `${count} loops in one process`, count }];
  },
  measure,
};
