import { Reporter, receiveReports } from '../../../dist/bridge/index.js';
import { EventLoop } from '../../../dist/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

export async function receive(listener) {
  const loop = new EventLoop({ name: 'bench' });
  receiveReports(loop, listener);
  return { data: loop.handle, transferList: [] };
}

export async function attach(handle) {
  const reporter = new Reporter(handle);
  return (type, data) => {
    if (!reporter.report(type, data)) throw new Error('The bridge is full: it must hold a burst.');
  };
}
