import { EventLoop } from '../../../dist/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

function endOf(loop, incoming, outgoing) {
  const inbox = loop.channel(incoming);
  const outbox = loop.channel(outgoing);
  return {
    send(message) {
      if (!outbox.send(message)) throw new Error('The channel is full: a burst must fit into it.');
    },
    onMessage: (listener) => inbox.receive(listener),
  };
}

// The main thread's end, and what the Worker needs for its own.
export async function open() {
  const loop = new EventLoop({ name: 'bench' });
  return { end: endOf(loop, 'there', 'back'), data: loop.handle, transferList: [] };
}

export const attach = async (handle) => endOf(EventLoop.attach(handle), 'back', 'there');
