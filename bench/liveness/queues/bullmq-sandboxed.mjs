// What BullMQ's documentation recommends for jobs that block: the processor runs in a process of its
// own, and the JS thread of the Worker stays free to renew.
import { consumeWith } from './bullmq.mjs';

export { add, outcome, recoverEveryMs, renewEveryMs, version } from './bullmq.mjs';

export async function consume(plan, _, note) {
  await consumeWith(plan, new URL('./sandboxed-processor.mjs', import.meta.url), note);
}
