import { promises } from './index.js';

export type { TimerOptions } from './arguments.js';

/** See `promises` of `sideloop/timers`. */
export const { setTimeout, setInterval } = promises;
