import { MessageChannel } from 'node:worker_threads';

export const name = 'message-port';
export { version } from 'node:process';

const endOf = (port) => ({
  send: (message) => port.postMessage(message),
  onMessage: (listener) => port.on('message', listener),
});

// The main thread's end, and what the Worker needs for its own.
export async function open() {
  const { port1, port2 } = new MessageChannel();
  return { end: endOf(port1), data: port2, transferList: [port2] };
}

export const attach = async (port) => endOf(port);
