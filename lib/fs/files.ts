// All that this thread has under way on files of one loop.

import { addStage, forget, type NativeFiles, native, receive, removeStage } from '../binding.js';
import { SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { Holder } from '../holder.js';
import { nextTick, queueMicrotask } from '../turns.js';
import { FileStage, HAND_OVER_BYTES } from './file-stage.js';
import { Ask, type LastMessage, type Message } from './protocol.js';

/** Something under way on one file. */
export interface Operation {
  /** Hears of it. Runs where the user's code may. */
  tell(message: Message): void;
  /**
   * The loop refused something of it, or has ended. `over`: the native side has nothing of it any more, or never had, and
   * nothing more is heard.
   */
  fail(error: SideloopError, over: boolean): void;
}

// What may be under way at a time: each holds a place in the loop's memory, and writes hold a copy of their bytes.
const MOST_OPERATIONS = 65_536;
const MOST_BYTES = 1 << 30;

// A reader that takes so much in one turn says so at once, so that reading goes on beside it.
const TELL_TAKEN_BYTES = 256 * 1024;

// V8 looks at how much memory its young ArrayBuffers hold when it makes one by itself, and collects them at 32 MiB; those
// whose memory it takes over don't make it look. So one is made for each so many bytes: a young collection takes a fraction
// of a millisecond, the full one that comes at 64 MiB otherwise takes several, and ends later.
const LOOK_AT_BYTES = 4 * 1024 * 1024;

const byLoop = new WeakMap<EventLoop, Files>();

/**
 * The files of `loop`.
 *
 * @throws SideloopError where it has none and is about to end: they would never hear of its end, and stay for ever.
 */
export function filesOf(loop: EventLoop): Files {
  let files = byLoop.get(loop);
  if (files === undefined) {
    if (!internalsOf(loop).isOpen()) throw stoppedError();
    files = new Files(loop);
    byLoop.set(loop, files);
  }
  return files;
}

export class Files {
  readonly holder: Holder;
  /** The loop has ended, or takes nothing any more. */
  ended = false;
  readonly #link: NativeFiles;
  readonly #stage: FileStage;
  readonly #operations = new Map<number, Operation>();
  readonly #dirty = new Set<() => void>();
  readonly #flush = () => this.flush();
  #flushAsked = false;
  #lastId = 0;
  #unwritten = 0;
  #unlooked = 0;
  #inbox: (Message | LastMessage)[] = [];
  #delivering = false;

  constructor(private readonly loop: EventLoop) {
    this.#link = new native.FilesWrap(internalsOf(loop).native);
    this.#stage = new FileStage(this.#link);
    this.holder = new Holder(loop, this.#link.target);
    receive(this.#link.target, {
      messages: (values) => this.#receive(values as (Message | LastMessage)[]),
    });
    addStage(this.#flush);
  }

  /**
   * Begins `operation` at the end of this turn, and gives it its number.
   *
   * @throws SideloopError where the loop takes nothing any more, or too much is under way.
   */
  begin(
    operation: Operation,
    ask: number,
    path: string | Buffer,
    flags: number,
    mode: number,
    ...more: number[]
  ): number {
    if (this.ended || !internalsOf(this.loop).isOpen()) throw stoppedError();
    if (this.#operations.size >= MOST_OPERATIONS) {
      throw fullError(`${MOST_OPERATIONS} operations on files are under way`);
    }
    const id = ++this.#lastId;
    this.#operations.set(id, operation);
    this.#stage.begin(ask, id, path, flags, mode, ...more);
    this.#flushSoon();
    return id;
  }

  /** The bytes of the request added last, as they are now. `isCopy`: nobody else has them. */
  addBytes(bytes: Uint8Array, isCopy = false): void {
    const large = bytes.byteLength >= HAND_OVER_BYTES;
    this.#stage.addBytes(isCopy || large ? bytes : Uint8Array.prototype.slice.call(bytes));
    // The native side copies them at once: they need no copy here.
    if (large) this.flush();
  }

  /** Goes on with an operation. */
  goOn(ask: number, id: number, ...more: number[]): void {
    this.#stage.goOn(ask, id, ...more);
    this.#flushSoon();
  }

  /** Chunks of a read stream were taken that count so many bytes. */
  take(id: number, bytes: number): void {
    if (this.#stage.take(id, bytes) >= TELL_TAKEN_BYTES) this.flush();
    else this.#flushSoon();
  }

  /** Bytes have come whose memory V8 has taken over. */
  received(bytes: number): void {
    this.#unlooked += bytes;
    if (this.#unlooked < LOOK_AT_BYTES) return;
    this.#unlooked = 0;
    new ArrayBuffer(1);
  }

  /** Calls `gather` once before the next flush, for what a stream gathers by itself. */
  gatherLater(gather: () => void): void {
    this.#dirty.add(gather);
    this.#flushSoon();
  }

  /** Counts bytes that are copied and not yet written. False: there are too many. */
  reserve(bytes: number): boolean {
    if (this.#unwritten > 0 && this.#unwritten + bytes > MOST_BYTES) return false;
    this.#unwritten += bytes;
    return true;
  }

  unreserve(bytes: number): void {
    this.#unwritten -= bytes;
  }

  /** Nothing more is to be heard of the operation. */
  remove(id: number): void {
    this.#operations.delete(id);
  }

  /** The same for what may be a read stream, of which the native side keeps the window. */
  removeReader(id: number): void {
    this.#operations.delete(id);
    this.#stage.add(Ask.forget, id);
    this.#flushSoon();
  }

  /** Has what is under way closed, and dropped where it is not done. */
  close(id: number): void {
    this.#stage.add(Ask.close, id);
    this.#flushSoon();
  }

  flush(): void {
    this.#flushAsked = false;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const gather of dirty) gather();
    if (this.ended || this.#stage.empty) return;
    const refused = this.#stage.flush();
    if (refused.size > 0) this.#refuse(refused);
  }

  /** Where the loop ends, what had begun before fails by that, with its reason. */
  #refuse(refused: ReadonlyMap<number, boolean>): void {
    const { isOpen } = internalsOf(this.loop);
    const error = isOpen() ? mailboxFullError() : stoppedError();
    for (const [id, over] of refused) {
      if (!over && !isOpen()) continue;
      const operation = this.#operations.get(id);
      // The native side has made a read stream's window all the same.
      if (over) this.removeReader(id);
      operation?.fail(error, over);
    }
    if (!isOpen() && this.#operations.size === 0) this.#end(error);
  }

  #flushSoon(): void {
    if (this.#flushAsked || this.ended) return;
    this.#flushAsked = true;
    nextTick(this.#flush);
  }

  #receive(messages: (Message | LastMessage)[]): void {
    this.#inbox.push(...messages);
    if (!this.#delivering) this.#deliver();
  }

  /** What the user's code throws in here is an uncaught exception; the messages behind it have their turn all the same. */
  #deliver(): void {
    this.#delivering = true;
    const messages = this.#inbox;
    this.#inbox = [];
    let next = 0;
    try {
      while (next < messages.length) this.#hear(messages[next++] as Message | LastMessage);
    } finally {
      if (next < messages.length) this.#inbox.unshift(...messages.slice(next));
      if (this.#inbox.length > 0) queueMicrotask(() => this.#deliver());
      else this.#delivering = false;
    }
  }

  #hear(message: Message | LastMessage): void {
    const [id] = message;
    if (typeof id === 'number') this.#operations.get(id)?.tell(message as Message);
    else this.#end(new SideloopError(`ERR_SIDELOOP_${id}`, `${message[1]}.`));
  }

  #end(error: SideloopError): void {
    this.ended = true;
    removeStage(this.#flush);
    forget(this.#link.target);
    const operations = [...this.#operations.values()];
    this.#operations.clear();
    for (const operation of operations) operation.fail(error, true);
  }
}

function stoppedError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_STOPPED',
    'The loop was stopped. Nothing was done: it is safe to repeat on another loop.',
  );
}

function mailboxFullError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_MAILBOX_FULL',
    "The loop's mailbox is full. Nothing was done: repeat it when the loop has caught up, or give the loop a larger " +
      'mailboxCapacity.',
  );
}

/** Too much is under way. */
export function fullError(what: string): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_FILES_FULL',
    `${what}, which is the bound. Nothing was done: await some of it first.`,
  );
}
