// What the tests of the timers have in common.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SideloopTypeError } from '../../lib/index.js';

setFlagsFromString('--expose-gc');
export const collectGarbage: () => void = runInNewContext('gc');

/** Whether `error` says that an argument is wrong. */
export function isArgumentError(error: unknown): boolean {
  return error instanceof SideloopTypeError && error.code === 'ERR_SIDELOOP_ARGUMENT';
}

/** The next turn of this thread's loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
