// The arguments that the functions of sideloop/fs share with those of node:fs.

import { constants } from 'node:fs';
import { toNamespacedPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isUint8Array } from 'node:util/types';
import { checkUsable } from '../bytes.js';
import { SideloopTypeError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import { checkNames, type OptionNames } from '../options.js';
import { isUrl } from '../url.js';

/** A file's path. A Buffer is for one that is no UTF-8. */
export type PathArgument = string | Buffer | URL;

/** How a file is opened, as node:fs has it: `'r'`, `'wx'`, `'a+'` ..., or a number made of `fs.constants.O_*`. */
export type Flags = string | number;

export function wrongArgument(message: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', message);
}

/** The path as the native side takes it; a Buffer is copied. */
export function toPath(path: PathArgument): string | Buffer {
  if (isUrl(path)) return toPath(fileURLToPath(path.href));
  if (typeof path === 'string') {
    if (path.includes('\0')) throw wrongArgument('path must not have a null character.');
    return toNamespacedPath(path);
  }
  if (isUint8Array(path)) {
    checkUsable('path', path);
    if (path.includes(0)) throw wrongArgument('path must not have a null byte.');
    return Buffer.from(path);
  }
  throw wrongArgument(
    'path must be a string, a Buffer or a file: URL. A FileHandle or a descriptor is not supported: pass its path.',
  );
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } = constants;
const FLAGS = new Map([
  ['r', O_RDONLY],
  ['rs', O_RDONLY | O_SYNC],
  ['sr', O_RDONLY | O_SYNC],
  ['r+', O_RDWR],
  ['rs+', O_RDWR | O_SYNC],
  ['sr+', O_RDWR | O_SYNC],
  ['w', O_TRUNC | O_CREAT | O_WRONLY],
  ['wx', O_TRUNC | O_CREAT | O_WRONLY | O_EXCL],
  ['xw', O_TRUNC | O_CREAT | O_WRONLY | O_EXCL],
  ['w+', O_TRUNC | O_CREAT | O_RDWR],
  ['wx+', O_TRUNC | O_CREAT | O_RDWR | O_EXCL],
  ['xw+', O_TRUNC | O_CREAT | O_RDWR | O_EXCL],
  ['a', O_APPEND | O_CREAT | O_WRONLY],
  ['ax', O_APPEND | O_CREAT | O_WRONLY | O_EXCL],
  ['xa', O_APPEND | O_CREAT | O_WRONLY | O_EXCL],
  ['as', O_APPEND | O_CREAT | O_WRONLY | O_SYNC],
  ['sa', O_APPEND | O_CREAT | O_WRONLY | O_SYNC],
  ['a+', O_APPEND | O_CREAT | O_RDWR],
  ['ax+', O_APPEND | O_CREAT | O_RDWR | O_EXCL],
  ['xa+', O_APPEND | O_CREAT | O_RDWR | O_EXCL],
  ['as+', O_APPEND | O_CREAT | O_RDWR | O_SYNC],
  ['sa+', O_APPEND | O_CREAT | O_RDWR | O_SYNC],
]);

/** The open(2) flags for `flags`. */
export function toFlags(flags: Flags, name: string): number {
  const number = typeof flags === 'number' ? flags : FLAGS.get(flags);
  if (number === undefined || !Number.isInteger(number) || number < 0 || number > 0x7fff_ffff) {
    throw wrongArgument(
      `${name} must be one that node:fs knows ('r', 'w', 'wx', 'a+' ...), or a number made of fs.constants.O_*.`,
    );
  }
  return number;
}

/** A new file's permissions, from a number or an octal string. */
export function toMode(mode: number | string): number {
  const number =
    typeof mode === 'string' && /^[0-7]+$/.test(mode) ? Number.parseInt(mode, 8) : mode;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0o7777) {
    throw wrongArgument('mode must be a number from 0 to 0o7777, or an octal string.');
  }
  return number;
}

export function checkEncoding(encoding: BufferEncoding | null | undefined, name: string): void {
  if (encoding !== undefined && encoding !== null && !Buffer.isEncoding(encoding)) {
    throw wrongArgument(`${name} must be one that Buffer knows, such as 'utf8', or null.`);
  }
}

export function checkBoolean(value: boolean | undefined, name: string): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw wrongArgument(`${name} must be true or false.`);
  }
}

/** A place in a file, or undefined. */
export function checkPosition(value: number | undefined, name: string): void {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) {
    throw wrongArgument(`${name} must be a whole number of bytes, 0 or more.`);
  }
}

// A chunk is one read, and libuv counts what a read gave in an int.
const MOST_BYTES = 0x3fff_ffff;

export function checkHighWaterMark(value: number): void {
  if (!Number.isInteger(value) || value < 1 || value > MOST_BYTES) {
    throw wrongArgument(`highWaterMark must be a whole number of bytes from 1 to ${MOST_BYTES}.`);
  }
}

export function toLoop(loop: EventLoop | undefined): EventLoop {
  if (loop === undefined) return EventLoop.shared();
  if (!(loop instanceof EventLoop)) throw wrongArgument('loop must be an EventLoop.');
  return loop;
}

/** Node's functions take an encoding in place of options. `of` says in errors whose they are. */
export function toOptions<T extends { encoding?: BufferEncoding | null }>(
  options: T | BufferEncoding | null | undefined,
  names: OptionNames<T>,
  of: string,
): Partial<T> {
  if (typeof options === 'string') return { encoding: options } as Partial<T>;
  if (options === null || options === undefined) return {};
  if (typeof options !== 'object') throw wrongArgument('options must be an object or an encoding.');
  checkNames(options, names, of);
  return options;
}
