// No polling: the reports of a turn come in one message, which wakes the main thread once.
import { Reporter, receiveReports } from '../../../dist/bridge/index.js';
import { EventLoop } from '../../../dist/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

export async function startProcessor(dispatch) {
  const loop = new EventLoop({ name: 'bench' });
  receiveReports(loop, (_type, event) => dispatch(event));
  return { data: loop.handle, transferList: [] };
}

export async function startReporter(handle) {
  const reporter = new Reporter(handle);
  return (event) => {
    if (!reporter.report('progress', event)) {
      throw new Error('The bridge is full: it must hold a burst.');
    }
  };
}
