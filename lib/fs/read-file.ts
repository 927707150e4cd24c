// A whole file, in one go.

import { checkSignal } from '../abort-listeners.js';
import type { EventLoop } from '../event-loop.js';
import type { OptionNames } from '../options.js';
import {
  checkEncoding,
  type Flags,
  type PathArgument,
  toFlags,
  toLoop,
  toOptions,
  toPath,
} from './arguments.js';
import { readWhole } from './whole-file.js';

/** Options of {@link readFile}. */
export interface ReadFileOptions {
  /** Resolve with a string in this encoding. Default: with a Buffer. */
  encoding?: BufferEncoding | null;
  /** Default `'r'`. */
  flag?: Flags;
  /** Rejects with an AbortError when it is aborted. */
  signal?: AbortSignal;
  /** Where the reading is done. Default `EventLoop.shared()`. */
  loop?: EventLoop;
}

const NAMES: OptionNames<ReadFileOptions> = {
  encoding: true,
  flag: true,
  signal: true,
  loop: true,
};

/**
 * Reads a file to its end: opened, read and closed below JavaScript, in one job of the loop's thread pool.
 *
 * Rejects with a SystemError (`ENOENT`, `EISDIR`, `EACCES` ...), a FileTooLargeError (`ERR_FS_FILE_TOO_LARGE`) beyond 2 GiB,
 * an AbortError (`ABORT_ERR`), a SideloopTypeError (`ERR_SIDELOOP_ARGUMENT`) for a wrong argument, or a SideloopError:
 * `ERR_SIDELOOP_STOPPED`, `ERR_SIDELOOP_DESTROYED`, `ERR_SIDELOOP_MAILBOX_FULL`, `ERR_SIDELOOP_FILES_FULL`.
 */
export function readFile(
  path: PathArgument,
  options?: (ReadFileOptions & { encoding?: null }) | null,
): Promise<Buffer>;
export function readFile(
  path: PathArgument,
  options: BufferEncoding | (ReadFileOptions & { encoding: BufferEncoding }),
): Promise<string>;
export function readFile(
  path: PathArgument,
  options?: ReadFileOptions | BufferEncoding | null,
): Promise<Buffer | string>;
export async function readFile(
  path: PathArgument,
  options?: ReadFileOptions | BufferEncoding | null,
): Promise<Buffer | string> {
  const {
    encoding,
    flag = 'r',
    signal,
    loop,
  } = toOptions<ReadFileOptions>(options, NAMES, 'readFile()');
  checkEncoding(encoding, 'encoding');
  checkSignal(signal);
  const buffer = await readWhole({
    loop: toLoop(loop),
    path: toPath(path),
    flags: toFlags(flag, 'flag'),
    mode: 0o666,
    signal,
  });
  return encoding ? buffer.toString(encoding) : buffer;
}
