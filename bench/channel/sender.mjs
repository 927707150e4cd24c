// The Worker that sends. A burst's time runs from before its first message until the word is back
// that its last one was received.
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { ownThread } from '../kernel-account.mjs';
import { contents } from './contents.mjs';

const { transport, content, burst, data } = workerData;
const { attach } = await import(`./transports/${transport}.mjs`);
const { make } = contents[content];
const end = await attach(data);

let times = [];
let sent = 0;
let begun = 0;
let running = true;

function sendBurst() {
  begun = performance.now();
  for (let index = 0; index < burst; index++) end.send(make(sent++));
}

end.onMessage((received) => {
  if (received !== sent) throw new Error(`${received} messages were received of ${sent}.`);
  times.push(performance.now() - begun);
  if (running) sendBurst();
});

parentPort.postMessage(ownThread());
sendBurst();
await once(parentPort, 'message'); // 'measure'
times = [];
await once(parentPort, 'message'); // 'stop'
running = false;
parentPort.postMessage(Float64Array.from(times));
