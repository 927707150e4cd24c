// Bytes or text into a file, in one go.

import { checkSignal } from '../abort-listeners.js';
import { bytesOf, checkUsable } from '../bytes.js';
import type { EventLoop } from '../event-loop.js';
import type { OptionNames } from '../options.js';
import {
  checkBoolean,
  checkEncoding,
  type Flags,
  type PathArgument,
  toFlags,
  toLoop,
  toMode,
  toOptions,
  toPath,
  wrongArgument,
} from './arguments.js';
import { writeWhole } from './whole-file.js';
import { type Pieces, writePieces } from './write-pieces.js';
import { createWriteStream } from './write-stream.js';

/** Options of {@link writeFile} and {@link appendFile}. */
export interface WriteFileOptions {
  /** How text is encoded. Default `'utf8'`. */
  encoding?: BufferEncoding | null;
  /** A new file's permissions, less the process's umask. Default `0o666`. */
  mode?: number | string;
  /** Default `'w'`, for `appendFile` `'a'`. */
  flag?: Flags;
  /** fsync before the promise resolves. Default false. */
  flush?: boolean;
  /** Rejects with an AbortError when it is aborted. Some of the data may have been written. */
  signal?: AbortSignal;
  /** Where the writing is done. Default `EventLoop.shared()`. */
  loop?: EventLoop;
}

const NAMES: OptionNames<WriteFileOptions> = {
  encoding: true,
  mode: true,
  flag: true,
  flush: true,
  signal: true,
  loop: true,
};

/** What can be written: text, bytes, or pieces of them that come one after the other. */
export type WriteFileData = string | NodeJS.ArrayBufferView | Pieces;

/**
 * Writes `data` to a file, which is made or emptied before. Resolves when all of it is written; the bytes are those of the
 * moment of the call. Those of a piece are copied before the next piece is asked for.
 *
 * Rejects with a SystemError (`ENOENT`, `EISDIR`, `ENOSPC` ...), an AbortError (`ABORT_ERR`), a SideloopTypeError
 * (`ERR_SIDELOOP_ARGUMENT`) for a wrong argument, or a SideloopError: `ERR_SIDELOOP_STOPPED`, `ERR_SIDELOOP_DESTROYED`,
 * `ERR_SIDELOOP_MAILBOX_FULL`, and `ERR_SIDELOOP_FILES_FULL` while 1 GiB waits to be written.
 */
export function writeFile(
  path: PathArgument,
  data: WriteFileData,
  options?: WriteFileOptions | BufferEncoding | null,
): Promise<void> {
  return write(path, data, options, 'w');
}

/** The same, to the file's end; the file is made where there is none. */
export function appendFile(
  path: PathArgument,
  data: WriteFileData,
  options?: WriteFileOptions | BufferEncoding | null,
): Promise<void> {
  return write(path, data, options, 'a');
}

async function write(
  path: PathArgument,
  data: WriteFileData,
  options: WriteFileOptions | BufferEncoding | null | undefined,
  defaultFlag: string,
): Promise<void> {
  const given = toOptions<WriteFileOptions>(
    options,
    NAMES,
    defaultFlag === 'a' ? 'appendFile()' : 'writeFile()',
  );
  const { flag = defaultFlag, flush = false, signal } = given;
  const encoding = given.encoding ?? 'utf8';
  checkEncoding(encoding, 'encoding');
  checkBoolean(flush, 'flush');
  checkSignal(signal);
  const file = {
    loop: toLoop(given.loop),
    path: toPath(path),
    flags: toFlags(flag, 'flag'),
    mode: toMode(given.mode ?? 0o666),
    signal,
  };
  if (typeof data === 'string') {
    await writeWhole(file, Buffer.from(data, encoding), true, flush);
  } else if (ArrayBuffer.isView(data)) {
    checkUsable('data', data);
    await writeWhole(file, bytesOf(data), false, flush);
  } else if (isIterable(data)) {
    const { flags, mode, loop } = file;
    const stream = createWriteStream(path, {
      encoding,
      flags,
      mode,
      flush,
      loop,
      ...(signal && { signal }),
    });
    await writePieces(stream, data);
  } else {
    throw wrongArgument(
      'data must be a string, a Buffer, another view of an ArrayBuffer, or an iterable of these.',
    );
  }
}

function isIterable(data: unknown): data is Pieces {
  return (
    typeof data === 'object' &&
    data !== null &&
    (Symbol.iterator in data || Symbol.asyncIterator in data)
  );
}
