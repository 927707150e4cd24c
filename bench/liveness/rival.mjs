// The other process that wants the lock, for all locks the same: it asks for the key again and again
// over the harness's own connection. Once it has it, it does the job if nobody has.
import { createInterface } from 'node:readline';
import { connectBare } from '../bare-redis.mjs';
import { pass } from '../measurement.mjs';
import { deleteIfMine } from './locks/scripts.mjs';
import { note, plan } from './work.mjs';

const kValue = 'rival';

const { host, port, key, leaseMs, work, askEveryMs } = plan;
const redis = await connectBare(port, { host });
const input = createInterface(process.stdin);
input.on('line', (order) => (order === 'start' ? want() : process.exit(0)));
input.on('close', () => process.exit(0));
note('ready');

async function want() {
  note('wanting');
  while ((await redis.call('SET', key, kValue, 'PX', leaseMs * 10, 'NX')) !== 'OK') {
    await pass(askEveryMs);
  }
  note('begun');
  await pass(work.beforeMs);
  note('finished');
  await redis.call('EVAL', deleteIfMine, 1, key, kValue);
  note('completed');
}
