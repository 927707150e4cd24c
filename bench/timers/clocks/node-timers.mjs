export const name = 'node-timers';
export { version } from 'node:process';
export { clearTimeout, setTimeout } from 'node:timers';

// JavaScript is the only one that looks.
export const loopLateness = () => undefined;
