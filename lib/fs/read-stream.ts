// A file as a stream of what is in it. Reading ahead happens on the loop's side; here its chunks are pushed while they are
// wanted, and what was taken is told.

import { AsyncResource } from 'node:async_hooks';
import { finished, Readable } from 'node:stream';
import { type SideloopError, SystemError } from '../errors.js';
import type { OptionNames } from '../options.js';
import { nextTick } from '../turns.js';
import {
  checkPosition,
  type Flags,
  type PathArgument,
  toOptions,
  wrongArgument,
} from './arguments.js';
import { type Files, filesOf } from './files.js';
import { Ask, LEAST_COUNT, type Message, syscallName, Tell } from './protocol.js';
import {
  destroyOnAbort,
  FILE_STREAM_NAMES,
  type FileStreamOptions,
  toOpening,
} from './stream-options.js';

/** Options of {@link createReadStream}. */
export interface ReadStreamOptions extends FileStreamOptions {
  /** Chunks are strings in this encoding. Default: they are Buffers. */
  encoding?: BufferEncoding | null;
  /** Default `'r'`. */
  flags?: Flags;
  /** The first byte to read. Default: where the file begins. */
  start?: number;
  /** The last byte to read, inclusive. Default: the last one there is. */
  end?: number;
  /** Bytes in a chunk, and bytes to buffer in the stream. Default 65,536. */
  highWaterMark?: number;
}

const NAMES: OptionNames<ReadStreamOptions> = {
  ...FILE_STREAM_NAMES,
  encoding: true,
  flags: true,
  start: true,
  end: true,
  highWaterMark: true,
};

/** What {@link createReadStream} gives. */
export class ReadStream extends Readable {
  /** As it was passed. */
  readonly path: string | Buffer;
  /** Bytes pushed so far. */
  bytesRead = 0;
  /** The descriptor, once the file is open. Closing it is the stream's business. */
  fd: number | null = null;
  readonly #files: Files | undefined;
  readonly #id: number = 0;
  readonly #resource = new AsyncResource('SideloopReadStream');
  readonly #autoClose: boolean;
  #chunks: Buffer[] = [];
  #nextChunk = 0;
  // The file's end or an error comes after the chunks before it.
  #last: 'end' | Error | undefined;
  #wanted = false;
  #pumping = false;
  #pumpAsked = false;
  #isRegular = false;
  #closed = false;
  #held = false;
  #onClosed: (() => void) | undefined;
  #unlisten: (() => void) | undefined;

  /** @internal */
  constructor(path: PathArgument, options: ReadStreamOptions) {
    const { start, end, encoding } = options;
    const opening = toOpening(path, options, 'r');
    if (end !== Number.POSITIVE_INFINITY) checkPosition(end, 'end');
    if (end !== undefined && (start ?? 0) > end) {
      throw wrongArgument('start must not be beyond end.');
    }
    super({
      highWaterMark: opening.highWaterMark,
      emitClose: opening.emitClose,
      autoDestroy: opening.autoClose,
      ...(encoding ? { encoding } : undefined),
    });
    this.path = opening.path;
    this.#autoClose = opening.autoClose;
    this.#unlisten = destroyOnAbort(this, options.signal);
    if (this.destroyed) {
      this.#closed = true;
      return;
    }
    try {
      this.#files = filesOf(opening.loop);
      this.#id = this.#files.begin(
        {
          tell: (message) => this.#resource.runInAsyncScope(() => this.#tell(message)),
          fail: (error, over) => this.#resource.runInAsyncScope(() => this.#fail(error, over)),
        },
        Ask.openReader,
        opening.nativePath,
        opening.flags,
        opening.mode,
        opening.autoClose ? 1 : 0,
        start ?? -1,
        end === undefined || end === Number.POSITIVE_INFINITY ? -1 : end - (start ?? 0) + 1,
        opening.highWaterMark,
      );
      this.#updateHold();
    } catch (refused) {
      this.#closed = true;
      this.destroy(refused as Error);
    }
  }

  /** Whether the file is not open yet. */
  get pending(): boolean {
    return this.fd === null;
  }

  /** Destroys the stream; `callback` runs when it is closed. */
  close(callback?: (error?: NodeJS.ErrnoException | null) => void): void {
    if (callback) finished(this, callback);
    this.destroy();
  }

  // The chunks that have arrived are at hand, so that one is given without a turn through the stream's buffer: that would
  // cost more than to read it from the file.
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override read(size?: number): any {
    if (this.destroyed) return null;
    const chunk = size === undefined && this.#takesDirectly() ? this.#take() : undefined;
    if (chunk !== undefined) {
      this.emit('data', chunk);
      return chunk;
    }
    if (this.#last !== undefined) this.#pump();
    return super.read(size);
  }

  override _read(): void {
    this.#wanted = true;
    // A chunk pushed in here would be joined, by a copy, to those that the stream has already.
    if (this.readableLength > 0) this.#pumpLater();
    else this.#pump(1);
  }

  /**
   * The stream closes when its file is closed. It does not wait for a job that may never end: the opening, or the reading
   * of a pipe or terminal. The file is closed after that.
   */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#unlisten?.();
    this.#chunks = [];
    this.#nextChunk = 0;
    this.#wanted = false;
    const done = () => {
      this.#onClosed = undefined;
      this.#updateHold();
      callback(error);
    };
    if (!this.#closed) this.#files?.close(this.#id);
    if (this.#closed || !this.#isRegular) {
      done();
    } else {
      this.#onClosed = done;
      this.#updateHold();
    }
  }

  #tell([, tell, ...values]: Message): void {
    if (tell === Tell.closed) {
      this.#closed = true;
      this.#files?.removeReader(this.#id);
      this.#onClosed?.();
      this.#updateHold();
      return;
    }
    if (this.destroyed) return;
    if (tell === Tell.data) {
      this.#addChunks(values as Buffer[]);
    } else if (tell === Tell.opened) {
      this.fd = values[0] as number;
      this.#isRegular = values[1] === 1;
      this.emit('open', this.fd);
      this.emit('ready');
    } else if (tell === Tell.end) {
      this.#last = 'end';
    } else if (tell === Tell.failed) {
      this.#last = this.#errorOf(values as [number, number]);
      // Nobody need read to hear that it can't be opened.
      if (this.fd === null) this.#wanted = true;
    }
    this.#pump();
  }

  #addChunks(chunks: Buffer[]): void {
    if (this.#nextChunk === this.#chunks.length) {
      this.#chunks = chunks;
      this.#nextChunk = 0;
    } else {
      // What was taken is cut off when it is the larger part: whoever is never quite through would keep it all.
      if (this.#nextChunk * 2 >= this.#chunks.length) {
        this.#chunks.splice(0, this.#nextChunk);
        this.#nextChunk = 0;
      }
      this.#chunks.push(...chunks);
    }
  }

  #takesDirectly(): boolean {
    return this.readableLength === 0 && this.readableDidRead && !this.readableEncoding;
  }

  /** The next chunk, which counts as taken. */
  #take(): Buffer | undefined {
    if (this.#nextChunk === this.#chunks.length) return undefined;
    const chunk = this.#chunks[this.#nextChunk] as Buffer;
    this.#chunks[this.#nextChunk++] = undefined as never;
    this.bytesRead += chunk.length;
    this.#files?.received(chunk.length);
    if (this.#last === undefined) {
      this.#files?.take(this.#id, Math.max(chunk.length, LEAST_COUNT));
    }
    return chunk;
  }

  #pumpLater(): void {
    if (this.#pumpAsked) return;
    this.#pumpAsked = true;
    nextTick(() => {
      this.#pumpAsked = false;
      this.#pump();
    });
  }

  /** Pushes `most` chunks, while they are wanted, and what comes after the last one. */
  #pump(most = Number.POSITIVE_INFINITY): void {
    // The user's code runs in a push, and may ask for more in there.
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let pushed = 0; this.#wanted && pushed < most; pushed++) {
        const chunk = this.#take();
        if (chunk === undefined) break;
        this.#wanted = false;
        if (this.push(chunk)) this.#wanted = true;
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#wanted && this.#nextChunk === this.#chunks.length && this.#last !== undefined) {
      this.#wanted = false;
      this.#give(this.#last);
    }
    this.#updateHold();
  }

  /** What comes after the last chunk. */
  #give(last: 'end' | Error): void {
    if (last === 'end') this.push(null);
    else if (this.#autoClose) this.destroy(last);
    else this.emit('error', last);
  }

  #fail(error: SideloopError, over: boolean): void {
    if (over) this.#closed = true;
    if (this.#onClosed) this.#onClosed();
    else this.destroy(error);
  }

  #errorOf([errno, syscall]: [number, number]): SystemError {
    return new SystemError(errno, syscallName(syscall), { path: String(this.path) });
  }

  /** The process stays alive for what is in progress: opening, a read that somebody waits for, closing. */
  #updateHold(): void {
    const waitsForData =
      this.#wanted && this.#nextChunk === this.#chunks.length && this.#last === undefined;
    const busy =
      !this.#closed &&
      (this.#onClosed !== undefined || (!this.destroyed && (this.fd === null || waitsForData)));
    if (busy === this.#held) return;
    this.#held = busy;
    if (busy) this.#files?.holder.hold();
    else this.#files?.holder.release();
  }
}

/**
 * Reads a file as a stream. It is opened at once, and read ahead on the loop's side, within a window that is bounded.
 *
 * The stream fails with a {@link SystemError} (`ENOENT`, `EISDIR`, `EACCES` ...), an AbortError (`ABORT_ERR`), or a
 * SideloopError: `ERR_SIDELOOP_STOPPED`, `ERR_SIDELOOP_DESTROYED`, `ERR_SIDELOOP_MAILBOX_FULL`, `ERR_SIDELOOP_FILES_FULL`.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument.
 */
export function createReadStream(
  path: PathArgument,
  options?: ReadStreamOptions | BufferEncoding | null,
): ReadStream {
  return new ReadStream(path, toOptions<ReadStreamOptions>(options, NAMES, 'createReadStream()'));
}
