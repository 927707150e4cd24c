// One process of a trial: it says `ready`, begins at `start` on its standard input and ends at `stop`,
// or with the harness. What it does in between is in its plan and in the adapter that the plan names.
import { createInterface } from 'node:readline';
import { note, plan, work } from './work.mjs';

const adapter = await import(`./${plan.kind}s/${plan.client}.mjs`);

const orders = {
  start: () => (plan.kind === 'lock' ? holdOnce() : consume()),
  stop: () => process.exit(0),
};
const input = createInterface(process.stdin);
input.on('line', (order) => {
  orders[order]().catch((error) => note('error', { message: String(error?.message ?? error) }));
});
input.on('close', () => process.exit(0));
process.on('unhandledRejection', (error) => {
  note('unhandled', { message: String(error?.message ?? error) });
});
note('ready', { version: adapter.version, renewEveryMs: adapter.renewEveryMs(plan) });

// A lock's adapter resolves with whether it was still ours at the release.
async function holdOnce() {
  try {
    const released = await adapter.hold(plan, work, () => note('noticed'));
    note(released ? 'completed' : 'refused');
  } catch (error) {
    note('refused', { message: String(error?.message ?? error).slice(0, 300) });
  }
}

// A queue's adapter reports by itself: completed, refused, failed, noticed.
async function consume() {
  await adapter.consume(plan, work, note);
  note('consuming');
}
