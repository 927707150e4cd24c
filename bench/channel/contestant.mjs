// One transport, one kind of traffic, one process: a Worker sends a burst in one turn, and the next
// one when the main thread, over the same transport, has told it that the whole burst is there.
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { mainThreadCpuMicros, threadCpuMicros } from '../kernel-account.mjs';
import { pass, printAndExit, spreadOf } from '../measurement.mjs';
import { contents } from './contents.mjs';

const kWarmUpSeconds = 0.3;

const { values: options } = parseArgs({
  options: {
    transport: { type: 'string' },
    burst: { type: 'string' },
    content: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const burst = Number(options.burst);
const seconds = Number(options.seconds);
const { numberOf } = contents[options.content];
const { name, version, open } = await import(`./transports/${options.transport}.mjs`);

const { end, data, transferList } = await open();
const worker = new Worker(new URL('./sender.mjs', import.meta.url), {
  workerData: { transport: options.transport, content: options.content, burst, data },
  transferList,
});
worker.on('error', (error) => {
  console.error(error);
  process.exit(1);
});

let received = 0;
end.onMessage((message) => {
  const number = numberOf(message);
  if (number !== received) {
    console.error(`${name}: message ${number} came in place of ${received}.`);
    process.exit(1);
  }
  received++;
  if (received % burst === 0) end.send(received);
});

const fromWorker = async () => (await once(worker, 'message'))[0];
const senderThread = await fromWorker();
await pass(kWarmUpSeconds * 1000);
worker.postMessage('measure');

const receivedBefore = received;
const totalBefore = process.cpuUsage();
const senderBefore = threadCpuMicros(senderThread);
const receiverBefore = mainThreadCpuMicros();
const begun = performance.now();
await pass(seconds * 1000);
const elapsedMs = performance.now() - begun;
const receiverMicros = mainThreadCpuMicros() - receiverBefore;
const senderMicros = threadCpuMicros(senderThread) - senderBefore;
const total = process.cpuUsage(totalBefore);
const messages = received - receivedBefore;

const answer = fromWorker();
worker.postMessage('stop');
const { p50, p99, samples } = spreadOf(await answer);
if (messages === 0) throw new Error(`${name}: no message came in ${seconds} s`);

printAndExit({
  client: name,
  version,
  messages,
  samples,
  messagesPerSecond: (messages * 1000) / elapsedMs,
  senderMicros: senderMicros / messages,
  receiverMicros: receiverMicros / messages,
  totalMicros: (total.user + total.system) / messages,
  p50Micros: p50 * 1000,
  p99Micros: p99 * 1000,
});
