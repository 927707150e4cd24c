// The messages of a turn in one post, as one would write it by hand: no bound, and nothing is told
// about the other side's end.
import { MessageChannel } from 'node:worker_threads';

export const name = 'message-port-batched';
export { version } from 'node:process';

export async function receive(listener) {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', (batch) => {
    for (const { type, data } of batch) listener(type, data);
  });
  return { data: port2, transferList: [port2] };
}

export async function attach(port) {
  let batch = [];
  const flush = () => {
    port.postMessage(batch);
    batch = [];
  };
  return (type, data) => {
    if (batch.push({ type, data }) === 1) process.nextTick(flush);
  };
}
