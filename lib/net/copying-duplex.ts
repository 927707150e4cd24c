// A Duplex whose written bytes are those of the moment of the call, wherever they wait.

import { Duplex } from 'node:stream';
import { writtenChunk } from '../chunk.js';

type Callback = (error?: Error | null) => void;

/** `_write` and `_writev` copy, or hand over, what they get before they return, unless `_waits()`. */
export abstract class CopyingDuplex extends Duplex {
  /** Whether `_write` has to keep what it gets. */
  protected abstract _waits(): boolean;

  /**
   * Sends a string, or the bytes of a view as they are at the call. False: wait for 'drain' before the next.
   *
   * @throws TypeError `ERR_INVALID_ARG_TYPE` for anything else, as in node:stream.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override write(chunk: any, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    return super.write(this.#toWrite(chunk), encoding as BufferEncoding, callback);
  }

  /** Ends this side, behind a last chunk that is taken as `write()` takes it. */
  override end(callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override end(chunk: any, callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as node:stream has it.
  override end(chunk: any, encoding?: BufferEncoding, callback?: () => void): this;
  override end(chunk?: unknown, encoding?: unknown, callback?: () => void): this {
    return super.end(this.#toWrite(chunk), encoding as BufferEncoding, callback);
  }

  /** What gets to `_write` in this call is copied there; what the stream queues is copied here. */
  #toWrite(chunk: unknown): unknown {
    return writtenChunk(this, chunk, this._waits());
  }
}
