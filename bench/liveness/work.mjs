// The job of every contestant, the same code in whatever process it runs. The plan comes in the
// environment, since a contestant may start processes of its own for it.
import { pass } from '../measurement.mjs';
import { ledgerWriter } from './ledger.mjs';

export const plan = JSON.parse(process.env.LIVENESS_PLAN);
export const note = ledgerWriter(plan.ledger, plan.name);

function block(milliseconds) {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

let executions = 0;

// A handler hangs once: what it is given again, it does.
export async function work() {
  const { beforeMs, blockMs = 0, afterMs = 0, end } = plan.work;
  const hangs = ++executions === 1 ? end : undefined;
  note('begun');
  await pass(beforeMs);
  if (hangs === 'spin') block(Number.POSITIVE_INFINITY);
  if (hangs === 'never') await new Promise(() => {});
  if (blockMs > 0) {
    note('block', { pid: process.pid });
    block(blockMs);
    note('unblock');
  }
  await pass(afterMs);
  note('finished');
}
