// What replies cost in memory while the JS thread is too busy to take them. It exists because a
// client that goes on reading then grows by all that the server has to say; one that does not read
// leaves it at the server.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kTimeoutMs = 60_000;

function measure({ count, bytes }, contestant, { port }) {
  const args = ['--expose-gc', contestantScript, '--contestant', contestant];
  args.push('--port', String(port), '--count', String(count), '--bytes', String(bytes));
  return measureInChild(process.execPath, args, kTimeoutMs);
}

export const untaken = {
  name: 'untaken',
  about:
    'growth of the process while JS is busy for 1.5 s and replies wait for it, and the time to take them',
  product: ['redis/index.js'],
  needsPeers: true,
  needsServer: true,
  contestants: ['sideloop', 'ioredis'],
  metrics: [
    { key: 'grownMiB', title: 'grown MiB', better: 'lower' },
    { key: 'takenMs', title: 'taken ms', better: 'lower' },
  ],
  cases: () => [
    { id: 'large', title: '200 replies of 1 MiB', count: 200, bytes: 1 << 20 },
    { id: 'small', title: '10,000 replies of 4 KiB', count: 10_000, bytes: 4 << 10 },
  ],
  measure,
};
