// One consumer process of the soak. Every handler notes that it has begun, works for a random time, and
// notes when its ack was accepted. Orders come on standard input: `block <ms>`, `stop`.
import { createInterface } from 'node:readline';
import { pass } from '../measurement.mjs';
import { openLedger } from './ledger.mjs';
import { randomFrom } from './random.mjs';

const plan = JSON.parse(process.env.SOAK_PLAN);
const kSlowShare = 0.05;
const kSlowMs = 30;
const kFailShare = 0.003;

const { startConsumer } = await import(`./clients/${plan.client}.mjs`);
const ledger = openLedger(plan.ledger, plan.name);
const random = randomFrom(plan.seed);

async function handle(job) {
  const { number, token } = job;
  await ledger.begun(number, token);
  if (random.chance(kSlowShare)) await pass(random.between(0, kSlowMs));
  const failing = random.chance(kFailShare);
  try {
    if (failing) await job.fail(new Error('as the seed wills'));
    else await job.ack();
  } catch (error) {
    // Refused, or the connection was lost before the answer came: then nobody knows yet.
    const how = consumer.wasRefused(error) ? 'refused' : `unknown: ${error.code}`;
    await ledger.ended(number, token, how);
    await ledger.count(how);
    return;
  }
  if (failing) {
    await ledger.ended(number, token, 'failed by the handler');
    await ledger.count('failed by the handler');
  } else await ledger.acked(number, token);
}

const running = new Set();
const consumer = await startConsumer(plan, (job) => {
  const handled = handle(job).catch(fail);
  running.add(handled);
  handled.finally(() => running.delete(handled));
});
consumer.failed.catch(fail);

function fail(error) {
  console.error(error);
  process.exit(1);
}

function block(milliseconds) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

async function stop() {
  await consumer.close();
  // The ledger is to hear of all of them.
  await Promise.all(running);
  process.exit(0);
}

const input = createInterface(process.stdin);
input.on('line', (line) => {
  const [order, argument] = line.split(' ');
  if (order === 'block') block(Number(argument));
  else stop().catch(fail);
});
input.on('close', () => process.exit(0));
