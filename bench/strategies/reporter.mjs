// The Worker whose events are processed: it reports as many as it is told to, at once or at a rate.
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { ownThread } from '../kernel-account.mjs';
import { clockMicros } from './clock.mjs';

const { processor, data } = workerData;
const { startReporter } = await import(`./processors/${processor}.mjs`);
const report = await startReporter(data);

const cell = new Int32Array(new SharedArrayBuffer(4));
let reported = 0;
let state = 1;

// From 0 to 1, the same for everybody.
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

// Events must not keep time with a poll. Timers of two threads do, to the millisecond, so the last of
// them is slept by a finer clock.
async function pause(milliseconds) {
  await sleep(milliseconds * (0.5 + random()));
  Atomics.wait(cell, 0, 0, random());
}

function reportOne() {
  report({ number: reported++, reportedAt: clockMicros(), type: 'task:progress', share: 0.5 });
}

parentPort.on('message', async ({ count, perSecond }) => {
  for (let left = count; left > 0; left--) {
    if (perSecond !== undefined) await pause(1000 / perSecond);
    reportOne();
  }
});
parentPort.postMessage(ownThread());
