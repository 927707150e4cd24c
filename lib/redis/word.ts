// A word of a command, as the server compares it.

import { isUint8Array } from 'node:util/types';
import { isUsable } from '../bytes.js';

/**
 * The text of an argument, however it was given: a byte is a character, as words that a server knows are ASCII. Empty for
 * what can't be sent: it is asked for before arguments are measured, which refuses those by name.
 */
export function wordOf(arg: unknown): string {
  if (typeof arg === 'string') return arg;
  if (typeof arg === 'number' || typeof arg === 'bigint') return String(arg);
  if (!isUint8Array(arg) || !isUsable(arg)) return '';
  return Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength).toString('latin1');
}
