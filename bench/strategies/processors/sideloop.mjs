// No polling: the reporter sends into a channel, which wakes the main thread once for a batch, and
// the processor iterates over it.
import { EventLoop } from '../../../dist/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

export async function startProcessor(dispatch) {
  const loop = new EventLoop({ name: 'bench' });
  const events = loop.channel('events');
  (async () => {
    for await (const event of events) dispatch(event);
  })();
  return { data: loop.handle, transferList: [] };
}

export async function startReporter(handle) {
  const events = EventLoop.attach(handle).channel('events');
  return (event) => {
    if (!events.send(event)) throw new Error('The channel is full: a burst must fit into it.');
  };
}
