import { readFile } from 'node:fs';
import { promisify } from 'node:util';

export const name = 'fs-callback';
export { version } from 'node:process';

export const whole = promisify(readFile);
