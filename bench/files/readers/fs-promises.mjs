import { readFile } from 'node:fs/promises';

export const name = 'fs-promises';
export { version } from 'node:process';

export const whole = (path) => readFile(path);
