// What the polling processors have in common: a queue that another thread fills and that gives one
// event, or none, without waiting. In Node that is a MessagePort nobody listens to.
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';

export function openSource() {
  const { port1, port2 } = new MessageChannel();
  return {
    take: () => receiveMessageOnPort(port1)?.message,
    data: port2,
    transferList: [port2],
  };
}

export const reportTo = (port) => (event) => port.postMessage(event);
