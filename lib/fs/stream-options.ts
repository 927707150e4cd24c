// What the options of both kinds of file streams have in common, checked and filled in.

import type { Readable, Writable } from 'node:stream';
import { checkSignal, listenToAbort } from '../abort-listeners.js';
import { AbortError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import type { OptionNames } from '../options.js';
import { isUrl } from '../url.js';
import {
  checkBoolean,
  checkEncoding,
  checkHighWaterMark,
  checkPosition,
  type Flags,
  type PathArgument,
  toFlags,
  toLoop,
  toMode,
  toPath,
} from './arguments.js';

/** Options of both kinds of file streams. */
export interface FileStreamOptions {
  /** Permissions of a file that `flags` create, less the process's umask. Default `0o666`. */
  mode?: number | string;
  /** Close the file at the stream's end and at an error. Default true. With false, `destroy()` closes it. */
  autoClose?: boolean;
  /** Emit `'close'`. Default true. */
  emitClose?: boolean;
  /** Destroys the stream with an AbortError when it is aborted. */
  signal?: AbortSignal;
  /** Where the work is done. Default `EventLoop.shared()`. */
  loop?: EventLoop;
}

/** Their names, to which each kind adds its own. */
export const FILE_STREAM_NAMES: OptionNames<FileStreamOptions> = {
  mode: true,
  autoClose: true,
  emitClose: true,
  signal: true,
  loop: true,
};

interface Rest {
  flags?: Flags;
  start?: number;
  highWaterMark?: number;
  encoding?: BufferEncoding | null;
}

const DEFAULT_HIGH_WATER_MARK = 64 * 1024;

/** How a stream and its file are to be opened. */
export interface Opening {
  /** As the stream shows it. */
  path: string | Buffer;
  /** As the loop's side gets it. */
  nativePath: string | Buffer;
  flags: number;
  mode: number;
  highWaterMark: number;
  autoClose: boolean;
  emitClose: boolean;
  loop: EventLoop;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function toOpening(
  path: PathArgument,
  options: FileStreamOptions & Rest,
  defaultFlags: Flags,
): Opening {
  const { highWaterMark = DEFAULT_HIGH_WATER_MARK, emitClose = true, autoClose = true } = options;
  checkHighWaterMark(highWaterMark);
  checkEncoding(options.encoding, 'encoding');
  checkBoolean(autoClose, 'autoClose');
  checkBoolean(emitClose, 'emitClose');
  checkPosition(options.start, 'start');
  checkSignal(options.signal);
  const flags = toFlags(options.flags ?? defaultFlags, 'flags');
  const mode = toMode(options.mode ?? 0o666);
  const nativePath = toPath(path);
  return {
    path: isUrl(path) ? (nativePath as string) : path,
    nativePath,
    flags,
    mode,
    highWaterMark,
    autoClose,
    emitClose,
    loop: toLoop(options.loop),
  };
}

/** Destroys the stream when the signal is aborted. Returns how to stop listening to it. */
export function destroyOnAbort(
  stream: Readable | Writable,
  signal: AbortSignal | undefined,
): (() => void) | undefined {
  if (signal === undefined) return undefined;
  const abort = () => stream.destroy(new AbortError(signal));
  if (signal.aborted) {
    abort();
    return undefined;
  }
  return listenToAbort(signal, abort);
}
