import { timerStats } from '../../../dist/timers/index.js';

export const name = 'sideloop';
export { clearTimeout, setTimeout } from '../../../dist/timers/index.js';
export { version } from '../../product.mjs';

// Since the process began, in microseconds.
export const loopLateness = () => timerStats().loopLateness;
