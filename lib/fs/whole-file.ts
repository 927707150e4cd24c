// A file read or written as a whole: one promise, one job.

import { listenToAbort } from '../abort-listeners.js';
import { AbortError, FileTooLargeError, type SideloopError, SystemError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import { type Files, filesOf, fullError } from './files.js';
import { Ask, type Message, syscallName, Tell } from './protocol.js';

/** What both have in common. */
export interface WholeFile {
  loop: EventLoop;
  path: string | Buffer;
  flags: number;
  mode: number;
  signal: AbortSignal | undefined;
}

/** What is read, as it came. */
export function readWhole(file: WholeFile): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new WholeOperation(file, resolve as (value: unknown) => void, reject).begin(Ask.readFile);
  });
}

/** `isCopy`: nobody else has `bytes`. */
export function writeWhole(
  file: WholeFile,
  bytes: Uint8Array,
  isCopy: boolean,
  flush: boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    new WholeOperation(file, () => resolve(), reject).begin(
      Ask.writeFile,
      { bytes, isCopy },
      flush ? 1 : 0,
    );
  });
}

class WholeOperation {
  #files: Files | undefined;
  #id = 0;
  #bytes = 0;
  #unlisten = () => {};

  constructor(
    private readonly file: WholeFile,
    private readonly resolve: (value: unknown) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  begin(ask: number, data?: { bytes: Uint8Array; isCopy: boolean }, ...more: number[]): void {
    const { loop, path, flags, mode, signal } = this.file;
    try {
      if (signal?.aborted) throw new AbortError(signal);
      const files = filesOf(loop);
      if (data && !files.reserve(data.bytes.byteLength)) {
        throw fullError('1 GiB is waiting to be written');
      }
      this.#bytes = data?.bytes.byteLength ?? 0;
      this.#files = files;
      this.#id = files.begin(this, ask, path, flags, mode, ...more);
      files.holder.hold();
      this.#unlisten = listenToAbort(signal, () => this.#abort());
      // Last: the loop may refuse it in there.
      if (data) files.addBytes(data.bytes, data.isCopy);
    } catch (refused) {
      this.#files?.unreserve(this.#bytes);
      this.reject(refused as Error);
    }
  }

  tell([, tell, ...values]: Message): void {
    this.#end();
    if (tell === Tell.done) {
      const chunk = values[0] as Buffer | undefined;
      if (chunk) this.#files?.received(chunk.length);
      this.resolve(chunk);
    } else if (tell === Tell.tooLarge) {
      this.reject(new FileTooLargeError(values[0] as number));
    } else {
      const [errno, syscall] = values as [number, number];
      this.reject(new SystemError(errno, syscallName(syscall), { path: String(this.file.path) }));
    }
  }

  fail(error: SideloopError): void {
    this.#end();
    this.reject(error);
  }

  #abort(): void {
    this.#files?.close(this.#id);
    this.#end();
    this.reject(new AbortError(this.file.signal as AbortSignal));
  }

  #end(): void {
    const files = this.#files as Files;
    files.remove(this.#id);
    files.unreserve(this.#bytes);
    files.holder.release();
    this.#unlisten();
  }
}
