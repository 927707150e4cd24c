export { createServer } from 'node:net';
export { version } from 'node:process';
