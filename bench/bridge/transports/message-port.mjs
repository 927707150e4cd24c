import { MessageChannel } from 'node:worker_threads';

export const name = 'message-port';
export { version } from 'node:process';

export async function receive(listener) {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ({ type, data }) => listener(type, data));
  return { data: port2, transferList: [port2] };
}

export const attach = async (port) => (type, data) => port.postMessage({ type, data });
