// Ten thousand leases of one process. It exists because "renewed by the loop thread" must also be cheap
// where a process holds many, and must hold for all of them when JS is blocked.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { startRedisServer } from '../redis-server.mjs';

const contestantScript = fileURLToPath(new URL('./contestant.mjs', import.meta.url));
const kLeases = 10_000;
const kStartAndStopMs = 30_000;
// Of the measured time that is asked for, since each lease is renewed once a second.
const kFactor = 5;
const kBlockMs = 5000;

const cpu = [
  { key: 'processPercent', title: 'process CPU %', better: 'lower' },
  { key: 'mainPercent', title: 'main thread %', better: 'lower' },
  { key: 'serverPercent', title: 'server CPU %', better: 'lower' },
];
const told = [
  { key: 'busiestOtherPercent', title: 'busiest other %' },
  { key: 'late', title: 'late' },
  { key: 'lost', title: 'lost' },
];
const rate = { key: 'renewalsPerSecond', title: 'renewals/s' };
// Who renews nothing needs no CPU for it, and the block is in it for all: nothing to compare.
const toldCpu = cpu.map(({ key, title }) => ({ key, title }));

async function measure({ blockMs }, contestant, { seconds }) {
  const server = await startRedisServer();
  const args = [contestantScript, '--holder', contestant, '--port', server.port];
  args.push('--server-pid', server.pid, '--leases', kLeases, '--block-ms', blockMs);
  args.push('--seconds', blockMs > 0 ? 1 : seconds * kFactor);
  const timeoutMs = kStartAndStopMs + blockMs + seconds * kFactor * 2000;
  const run = await measureInChild(process.execPath, args.map(String), timeoutMs);
  await server.stop();
  return run;
}

export const leases = {
  name: 'leases',
  about: `${kLeases.toLocaleString('en-US')} leases of 3 s renewed each second by one process; % of one core`,
  product: ['lease/index.js', 'redis/index.js'],
  needsPeers: true,
  contestants: ['sideloop', 'ioredis', 'ioredis-autopipelining'],
  cases: () => [
    { id: 'idle', title: 'JS idle', blockMs: 0, metrics: [rate, ...cpu, ...told] },
    {
      id: 'blocked',
      title: `JS blocked for ${kBlockMs / 1000} s`,
      blockMs: kBlockMs,
      metrics: [{ ...rate, better: 'higher' }, ...toldCpu, ...told],
    },
  ],
  measure,
};
