// What a thread writes to stdout and stderr, and its log records, in the one order in which they were written.

import { StringDecoder } from 'node:string_decoder';
import type { BridgeSource } from '../binding.js';
import { SideloopTypeError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import type { LoopHandle } from '../handle.js';
import { serve } from '../port-exchange.js';
import { nextTick } from '../turns.js';
import { copyOf } from './copy.js';
import { receiveFrom } from './inlet.js';
import { openOutlet, type SenderOptions } from './reporter.js';

const SERVICE = 'output';

/** Something that a thread wrote. */
export type OutputEntry =
  | {
      kind: 'stdout' | 'stderr';
      /** As it was written; not necessarily a whole line. */
      text: string;
      from: BridgeSource;
    }
  | {
      kind: 'log';
      level: string;
      message: string;
      /** What was logged with it, or undefined. */
      data: unknown;
      /** When, in ms since 1970. */
      time: number;
      from: BridgeSource;
    };

/** What {@link forwardOutput} gives. */
export interface ForwardedOutput extends Disposable {
  /**
   * Sends a log record, in its place among what is written. `data` is copied as `structuredClone` does it.
   *
   * @throws DOMException `DataCloneError` where `data` can't be copied.
   */
  log(level: string, message: string, data?: unknown): void;
  /**
   * Resolves when all that was written has been taken by the other side.
   *
   * @throws SideloopError `ERR_SIDELOOP_BRIDGE_CLOSED` where the bridge was closed before.
   */
  drained(): Promise<void>;
  /** Sends what was written, and has the streams write as before. */
  close(): void;
  /** `using output = forwardOutput(handle)`: closes it. */
  [Symbol.dispose](): void;
}

// How the streams of this thread write by themselves, while its output is forwarded.
let before: Record<'stdout' | 'stderr', typeof process.stdout.write> | undefined;

/**
 * From now on what this thread writes to process.stdout and process.stderr, by console.log() for instance, goes to the
 * thread that made the loop, together with its log records: in order, and all of it, where the thread ends by itself or by
 * process.exit(). Where `capacity` entries are under way, write() returns false, and `drain` follows; nothing is dropped.
 * When the other thread or the loop has ended, the streams write as before.
 *
 * @throws SideloopError `ERR_SIDELOOP_HANDLE` where it is not the handle of a loop.
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option, or where this thread's output is forwarded already.
 */
export function forwardOutput(
  loop: EventLoop | LoopHandle,
  options?: SenderOptions,
): ForwardedOutput {
  if (before !== undefined) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'The output of this thread is forwarded already: close() that first.',
    );
  }
  const mine = { stdout: process.stdout.write, stderr: process.stderr.write };
  const outlet = openOutlet(loop, SERVICE, options, () => restore());
  before = mine;

  function restore(): void {
    if (before !== mine) return;
    before = undefined;
    process.stdout.write = mine.stdout;
    process.stderr.write = mine.stderr;
  }

  let waiting = false;
  // Whoever waits for `drain` keeps the thread alive.
  function waitForRoom(): false {
    if (waiting) return false;
    waiting = true;
    const drain = () => {
      waiting = false;
      process.stdout.emit('drain');
      process.stderr.emit('drain');
    };
    outlet.ready().then(drain, drain);
    return false;
  }

  const writeTo = (kind: 'stdout' | 'stderr') => {
    // A character may come in two pieces, as those of a stream that is piped to this one do.
    const decoder = new StringDecoder();
    return function write(
      chunk: Uint8Array | string,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      callback?: (error?: Error | null) => void,
    ): boolean {
      const text =
        typeof chunk === 'string'
          ? decoder.end() + textOf(chunk, typeof encoding === 'string' ? encoding : 'utf8')
          : decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      if (text !== '') outlet.send([kind, text]);
      const written = typeof encoding === 'function' ? encoding : callback;
      if (written !== undefined) nextTick(written);
      return !outlet.full || waitForRoom();
    };
  };
  process.stdout.write = writeTo('stdout');
  process.stderr.write = writeTo('stderr');

  const close = (): void => {
    restore();
    outlet.close();
  };
  return {
    log: (level, message, data) => {
      outlet.send(['log', String(level), String(message), copyOf(data), Date.now()]);
    },
    drained: () => outlet.drained(),
    close,
    [Symbol.dispose]: close,
  };
}

/**
 * Hands what all threads forward to `sink`, from the first on: what came before is waiting. A sink that writes to the
 * streams of a thread which is forwarded feeds itself. Without a sink it is printed:
 * each line behind the name of its thread, on the stream of the same name, records on stderr. It does not keep the process
 * alive.
 *
 * @returns what ends it; threads that begin to forward later then wait for another receiver.
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `sink` is no function, the loop is another thread's or has ended,
 * or its output is received already.
 */
export function receiveOutput(
  loop: EventLoop,
  sink: (entry: OutputEntry) => void = printer(),
): () => void {
  if (typeof sink !== 'function') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'A receiver of output must be a function.',
    );
  }
  return serve(loop.handle, SERVICE, ({ port, from }) => {
    receiveFrom(port, (message) => {
      const [kind, ...rest] = message as [OutputEntry['kind'], ...unknown[]];
      if (kind === 'log') {
        const [level, text, data, time] = rest as [string, string, unknown, number];
        sink({ kind, level, message: text, data, time, from });
      } else {
        sink({ kind, text: rest[0] as string, from });
      }
    });
  });
}

function textOf(chunk: string, encoding: BufferEncoding): string {
  return encoding === 'utf8' || encoding === 'utf-8'
    ? chunk
    : Buffer.from(chunk, encoding).toString();
}

/** Prints lines behind the names of their threads. */
function printer(): (entry: OutputEntry) => void {
  // Whether the last that a thread wrote to a stream was less than a line.
  const midway = new Set<string>();
  return (entry) => {
    const prefix = `[${entry.from.name}] `;
    if (entry.kind === 'log') {
      const data = entry.data === undefined ? '' : ` ${JSON.stringify(entry.data)}`;
      print('stderr', `${prefix}${entry.level}: ${entry.message}${data}\n`);
      return;
    }
    const key = `${entry.kind} ${entry.from.threadId}`;
    const begins = midway.delete(key) ? '' : prefix;
    const { text } = entry;
    if (!text.endsWith('\n')) midway.add(key);
    // A prefix behind each line end but the last.
    print(entry.kind, begins + text.replace(/\n(?!$)/g, `\n${prefix}`));
  };
}

/** Past a forwarding of this thread's own output, which would come back here. */
function print(kind: 'stdout' | 'stderr', text: string): void {
  const write = before?.[kind] ?? process[kind].write;
  write.call(process[kind], text);
}
