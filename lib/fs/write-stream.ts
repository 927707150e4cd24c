// A file as a stream that takes what is to be in it. What one turn writes goes over in one piece and is written by as few
// system calls as possible; a write is accepted long before it is on the file, up to a bound.

import { AsyncResource } from 'node:async_hooks';
import { finished, Writable } from 'node:stream';
import { writtenChunk } from '../chunk.js';
import { type SideloopError, SystemError } from '../errors.js';
import type { OptionNames } from '../options.js';
import { checkBoolean, type Flags, type PathArgument, toOptions } from './arguments.js';
import { HAND_OVER_BYTES } from './file-stage.js';
import { type Files, filesOf } from './files.js';
import { Ask, type Message, syscallName, Tell } from './protocol.js';
import {
  destroyOnAbort,
  FILE_STREAM_NAMES,
  type FileStreamOptions,
  toOpening,
} from './stream-options.js';

/** Options of {@link createWriteStream}. */
export interface WriteStreamOptions extends FileStreamOptions {
  /** How text is encoded where `write` does not say. Default `'utf8'`. */
  encoding?: BufferEncoding | null;
  /** Default `'w'`. */
  flags?: Flags;
  /** The place of the first byte. Default: where the flags say. Without `flags: 'r+'` the file is emptied first. */
  start?: number;
  /** Bytes to buffer in the stream, beyond those accepted by the loop's side. Default 65,536. */
  highWaterMark?: number;
  /** fsync before `'finish'`. Default false. */
  flush?: boolean;
}

const NAMES: OptionNames<WriteStreamOptions> = {
  ...FILE_STREAM_NAMES,
  encoding: true,
  flags: true,
  start: true,
  highWaterMark: true,
  flush: true,
};

// Bytes that are accepted and not yet written: at the first bound writes wait, below the second they go on.
const MOST_ACCEPTED = 1024 * 1024;
const GOES_ON_BELOW = MOST_ACCEPTED / 2;

type Done = (error?: Error | null) => void;

/** What {@link createWriteStream} gives. */
export class WriteStream extends Writable {
  /** As it was passed. */
  readonly path: string | Buffer;
  /** Bytes that are on the file. */
  bytesWritten = 0;
  /** The descriptor, once the file is open. Closing it is the stream's business. */
  fd: number | null = null;
  readonly #files: Files | undefined;
  readonly #id: number = 0;
  readonly #resource = new AsyncResource('SideloopWriteStream');
  readonly #flush: boolean;
  readonly #autoClose: boolean;
  readonly #gather = () => this.#handOverSlab();
  // Small writes of one turn, side by side.
  #slab: Buffer | undefined;
  #slabUsed = 0;
  #accepted = 0;
  #isRegular = false;
  #finishing = false;
  #closed = false;
  #held = false;
  /** With autoClose: false the stream outlives it, and takes nothing any more. */
  #failure: Error | undefined;
  /** Of the write that waits for room, or of the end. */
  #onDone: Done | undefined;
  #onClosed: (() => void) | undefined;
  #unlisten: (() => void) | undefined;

  /** @internal */
  constructor(path: PathArgument, options: WriteStreamOptions) {
    const { start, flush = false, encoding } = options;
    checkBoolean(flush, 'flush');
    const opening = toOpening(path, options, 'w');
    super({
      highWaterMark: opening.highWaterMark,
      emitClose: opening.emitClose,
      autoDestroy: opening.autoClose,
      ...(encoding ? { defaultEncoding: encoding } : undefined),
    });
    this.path = opening.path;
    this.#flush = flush;
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
        Ask.openWriter,
        opening.nativePath,
        opening.flags,
        opening.mode,
        opening.autoClose ? 1 : 0,
        start ?? -1,
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

  /** Ends the stream and lets what was written finish; `callback` runs when it is closed. */
  close(callback?: (error?: NodeJS.ErrnoException | null) => void): void {
    if (callback) finished(this, callback);
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  /**
   * Writes a string, or the bytes of a view as they are at the call. False: wait for 'drain' before the next.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE` for anything else, as in node:stream.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override write(chunk: any, encoding?: BufferEncoding | Done, callback?: Done): boolean {
    return super.write(this.#toWrite(chunk), encoding as BufferEncoding, callback);
  }

  /** Ends the stream, behind a last chunk that is taken as `write()` takes it. */
  override end(callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override end(chunk: any, callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override end(chunk: any, encoding?: BufferEncoding, callback?: () => void): this;
  override end(chunk?: unknown, encoding?: unknown, callback?: () => void): this {
    return super.end(this.#toWrite(chunk), encoding as BufferEncoding, callback);
  }

  /** What comes to _write() in this call is copied there. What the stream keeps for later is copied here. */
  #toWrite(chunk: unknown): unknown {
    return writtenChunk(this, chunk);
  }

  // There is no _writev: it would take what waits all at once, whatever the bound. The pieces are joined further on.
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#failure) {
      done(this.#failure);
      return;
    }
    this.#accept(chunk);
    this.#goOn(done);
  }

  override _final(done: Done): void {
    if (this.#failure) {
      done(this.#failure);
      return;
    }
    this.#handOverSlab();
    this.#onDone = done;
    this.#finishing = true;
    this.#files?.goOn(Ask.finish, this.#id, this.#flush ? 1 : 0);
    this.#updateHold();
  }

  /** As with a read stream: it does not wait for a job that may never end. What is not written is dropped. */
  override _destroy(error: Error | null, callback: Done): void {
    this.#unlisten?.();
    this.#slab = undefined;
    this.#slabUsed = 0;
    const onDone = this.#onDone;
    this.#onDone = undefined;
    const closed = () => {
      this.#onClosed = undefined;
      this.#updateHold();
      callback(error);
      // A write that waits for room, in a stream that is no more.
      if (onDone && !this.#finishing) onDone(error);
    };
    if (!this.#closed) this.#files?.close(this.#id);
    if (this.#closed || !this.#isRegular) {
      closed();
    } else {
      this.#onClosed = closed;
      this.#updateHold();
    }
  }

  /** Takes a copy of the bytes, as they are now. */
  #accept(chunk: Buffer): void {
    this.#accepted += chunk.length;
    if (chunk.length >= HAND_OVER_BYTES) {
      this.#handOverSlab();
      this.#files?.goOn(Ask.write, this.#id);
      this.#files?.addBytes(chunk, false);
      return;
    }
    if (this.#slab && this.#slabUsed + chunk.length > this.#slab.length) this.#handOverSlab();
    if (this.#slab === undefined) {
      this.#slab = Buffer.allocUnsafeSlow(HAND_OVER_BYTES);
      this.#files?.gatherLater(this.#gather);
    }
    this.#slab.set(chunk, this.#slabUsed);
    this.#slabUsed += chunk.length;
  }

  #handOverSlab(): void {
    if (this.#slab === undefined) return;
    const bytes = this.#slab.subarray(0, this.#slabUsed);
    this.#slab = undefined;
    this.#slabUsed = 0;
    this.#files?.goOn(Ask.write, this.#id);
    this.#files?.addBytes(bytes, true);
  }

  #goOn(done: Done): void {
    this.#updateHold();
    // The loop may have refused the bytes, which destroys the stream.
    if (this.destroyed) done(this.errored);
    else if (this.#accepted < MOST_ACCEPTED) done();
    else this.#onDone = done;
  }

  #tell([, tell, ...values]: Message): void {
    if (tell === Tell.closed) {
      this.#closed = true;
      this.#files?.remove(this.#id);
      this.#onClosed?.();
      this.#updateHold();
      return;
    }
    if (tell === Tell.written) {
      this.bytesWritten += values[0] as number;
      this.#accepted -= values[0] as number;
    }
    if (this.destroyed) return;
    if (tell === Tell.opened) {
      this.fd = values[0] as number;
      this.#isRegular = values[1] === 1;
      this.emit('open', this.fd);
      this.emit('ready');
    } else if (tell === Tell.written) {
      if (!this.#finishing && this.#accepted < GOES_ON_BELOW) this.#done();
    } else if (tell === Tell.done) {
      this.#done();
    } else if (tell === Tell.failed) {
      const [errno, syscall] = values as [number, number];
      const error = new SystemError(errno, syscallName(syscall), { path: String(this.path) });
      this.#accepted = 0;
      this.#failure = error;
      if (this.#onDone) this.#done(error);
      else if (this.#autoClose) this.destroy(error);
      else this.emit('error', error);
    }
    this.#updateHold();
  }

  #done(error?: Error): void {
    const done = this.#onDone;
    this.#onDone = undefined;
    done?.(error);
  }

  #fail(error: SideloopError, over: boolean): void {
    if (over) this.#closed = true;
    if (this.#onClosed && over) this.#onClosed();
    else if (this.#onDone) this.#done(error);
    else this.destroy(error);
    this.#updateHold();
  }

  /** The process stays alive for what is in progress: opening, writing, finishing, closing. */
  #updateHold(): void {
    const busy =
      !this.#closed &&
      (this.#onClosed !== undefined ||
        (!this.destroyed &&
          (this.fd === null || this.#accepted > 0 || this.#onDone !== undefined)));
    if (busy === this.#held) return;
    this.#held = busy;
    if (busy) this.#files?.holder.hold();
    else this.#files?.holder.release();
  }
}

/**
 * Writes a file as a stream. It is opened at once. A write is accepted when its bytes are copied, up to 1 MiB beyond what
 * is on the file; then it waits. `'finish'` comes when all of it is on the file, and with `flush: true` on the disk.
 *
 * The stream fails with a SystemError (`ENOENT`, `ENOSPC`, `EACCES` ...), an AbortError (`ABORT_ERR`), or a SideloopError:
 * `ERR_SIDELOOP_STOPPED`, `ERR_SIDELOOP_DESTROYED`, `ERR_SIDELOOP_MAILBOX_FULL`, `ERR_SIDELOOP_FILES_FULL`.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument.
 */
export function createWriteStream(
  path: PathArgument,
  options?: WriteStreamOptions | BufferEncoding | null,
): WriteStream {
  return new WriteStream(
    path,
    toOptions<WriteStreamOptions>(options, NAMES, 'createWriteStream()'),
  );
}
