// A word of a command, as the server compares it.

import { isUint8Array } from 'node:util/types';

/** The text of an argument, however it was given: a byte is a character, as words that a server knows are ASCII. */
export function wordOf(arg: unknown): string {
  if (!isUint8Array(arg)) return String(arg);
  return Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength).toString('latin1');
}
