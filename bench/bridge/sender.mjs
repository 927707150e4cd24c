// The Worker that sends. A burst's time runs from before its first message until the word is back
// that its last one was received.
import { parentPort, workerData } from 'node:worker_threads';
import { ownThread } from '../kernel-account.mjs';
import { contents } from './contents.mjs';

const { transport, content, burst, data } = workerData;
const { attach } = await import(`./transports/${transport}.mjs`);
const { make } = contents[content];
const send = await attach(data);

let times = [];
let sent = 0;
let begun = 0;

function sendBurst() {
  begun = performance.now();
  for (let index = 0; index < burst; index++) send('progress', make(sent++));
}

parentPort.on('message', (word) => {
  if (word === 'measure') {
    times = [];
  } else if (word === 'stop') {
    parentPort.postMessage(Float64Array.from(times));
    parentPort.close();
  } else if (word !== sent) {
    throw new Error(`${word} messages were received of ${sent}.`);
  } else {
    times.push(performance.now() - begun);
    sendBurst();
  }
});
parentPort.postMessage(ownThread());
sendBurst();
