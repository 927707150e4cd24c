// All sockets and servers that this environment has on one loop: their numbers, what is staged for
// them, and the way of what comes back to each.

import type { AsyncResource } from 'node:async_hooks';
import {
  addStage,
  forget,
  type MessageTarget,
  type NativeNet,
  native,
  receive,
  removeStage,
} from '../binding.js';
import { SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { Holder } from '../holder.js';
import { nextTick, setImmediate } from '../turns.js';
import type { Endpoint } from './endpoint.js';
import type { NetHandle } from './net-handle.js';
import { type RefusedCommand, Stage } from './stage.js';
import { CALLS, Closed, Command, KIND_BITS, KIND_MASK, Report, TABLE_ID } from './wire.js';

const tables = new WeakMap<EventLoop, SocketTable>();

const NO_WORDS = new Int32Array(0);
const NO_BYTES = Buffer.alloc(0);
const DONE = Promise.resolve();
// Batches that have been read and are kept, until they are removed together.
const READ_AT_MOST = 16;

/** What the loop thread passes on at once: reports, and the items that they speak of. */
type Batch = [words: Int32Array, ...items: Buffer[]];

export class SocketTable implements MessageTarget {
  readonly stage: Stage;
  readonly holder: Holder;
  readonly #native: NativeNet;
  // By id. Even ids are given out here, odd ones by the loop.
  readonly #handles: (NetHandle | undefined)[] = [];
  readonly #freeIds: number[] = [];
  #nextId = 2;

  readonly #batches: Batch[] = [];
  #nextBatch = 0;
  // The batch being read.
  #words: Int32Array = NO_WORDS;
  #at = 0;
  #items: readonly Buffer[] = [];
  #nextItem = 0;
  #slab: Buffer = NO_BYTES;
  #slabAt = 0;
  // Reading goes on in a later tick.
  #readsLater = false;
  #pauses = false;
  // Counts the stretches between two pauses.
  #run = 0;
  // Somebody was told of something in this stretch.
  #told = false;
  // Of something that is not data.
  #toldEvent = false;

  private constructor(private readonly loop: EventLoop) {
    const net = new native.NetWrap(internalsOf(loop).native);
    this.#native = net;
    this.stage = new Stage(net, (commands) => this.#refuse(commands));
    this.holder = new Holder(loop, net.target);
    receive(net.target, this);
    addStage(this.stage.flush);
  }

  static of(loop: EventLoop): SocketTable {
    let table = tables.get(loop);
    if (table === undefined) {
      table = new SocketTable(loop);
      tables.set(loop, table);
    }
    return table;
  }

  /** Gives `handle` an id, for what begins here. */
  add(handle: NetHandle): void {
    handle.id = this.#freeIds.pop() ?? this.#takeNextId();
    this.#handles[handle.id] = handle;
  }

  /** `handle` is what the loop began under `id`. */
  addAs(id: number, handle: NetHandle): void {
    handle.id = id;
    this.#handles[id] = handle;
  }

  /** False once the loop takes nothing more. */
  get isOpen(): boolean {
    return internalsOf(this.loop).isOpen();
  }

  /** Hears what comes back: of more than one pass of the loop, where this thread was busy. */
  messages(values: unknown[]): void {
    for (const value of values) this.#batches.push(value as Batch);
    if (this.#readsLater) return;
    this.#readsLater = true;
    nextTick(this.#read);
  }

  #takeNextId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  // Listeners are called in here, and may throw. Whether one does or the reading pauses: the place is kept, and the rest is
  // read later.
  readonly #read = (): void => {
    this.#run++;
    this.#told = false;
    this.#toldEvent = false;
    this.#pauses = false;
    try {
      while (!this.#pauses && (this.#at < this.#words.length || this.#open())) {
        const handle = this.#nextHandle();
        if (handle !== undefined)
          handle.context.runInAsyncScope(this.#readFor, this, handle.context);
      }
      this.#readsLater = this.#pauses;
    } finally {
      if (this.#readsLater) DONE.then(this.#readInTick);
    }
  };

  // A tick comes after all microtasks, and a microtask's tick after the ticks before it.
  readonly #readInTick = (): void => nextTick(this.#read);

  /** Begins the next batch. */
  #open(): boolean {
    const batch = this.#batches[this.#nextBatch];
    if (batch === undefined) {
      this.#batches.length = 0;
      this.#nextBatch = 0;
      this.#words = NO_WORDS;
      this.#at = 0;
      this.#items = [];
      this.#slab = NO_BYTES;
      return false;
    }
    // What has been read is let go of, though there may be more to read for as long as there is traffic.
    if (++this.#nextBatch === READ_AT_MOST) {
      this.#batches.splice(0, READ_AT_MOST);
      this.#nextBatch = 0;
    }
    this.#words = batch[0];
    this.#items = batch as readonly unknown[] as readonly Buffer[];
    this.#nextItem = 1;
    this.#at = 0;
    return true;
  }

  /** Whom the next report is for. Reads away those that are for nobody. */
  #nextHandle(): NetHandle | undefined {
    while (this.#at < this.#words.length) {
      const head = this.#words[this.#at] as number;
      if (head !== Report.slab) {
        const handle = this.#handles[head >> KIND_BITS];
        if (handle !== undefined) return handle;
      }
      this.#readOne(undefined);
    }
    return undefined;
  }

  /** Reads reports for as long as they are of one async context: entering it costs as much as a report. */
  #readFor(context: AsyncResource): void {
    for (;;) {
      const handle = this.#nextHandle();
      if (handle === undefined || handle.context !== context) return;
      if (this.#mustPauseFor(handle)) {
        this.#pauses = true;
        return;
      }
      this.#readOne(handle);
    }
  }

  // Between two events of node:net, promises settle and ticks run: `await once(socket, 'data')` goes on before the next
  // data are there. So it is here between two reports to the same handle, and around everything that is not data. Only data
  // of different sockets, whose order nobody can rely on, are told of in one go.
  #mustPauseFor(handle: NetHandle): boolean {
    const kind = (this.#words[this.#at] as number) & KIND_MASK;
    if (kind === Report.written && !handle.waits) return false;
    if (kind === Report.data || kind === Report.large) {
      if (this.#toldEvent || handle.toldInRun === this.#run) return true;
      handle.toldInRun = this.#run;
      this.#told = true;
      return false;
    }
    if (this.#told) return true;
    this.#told = true;
    this.#toldEvent = true;
    return false;
  }

  /** Reads one report, all of it before `handle` hears of it. */
  #readOne(handle: NetHandle | undefined): void {
    const head = this.#word();
    switch (head & KIND_MASK) {
      case Report.data: {
        const data = this.#bytes(this.#word());
        handle?.data(data);
        break;
      }
      case Report.large: {
        const data = this.#item();
        handle?.data(data);
        break;
      }
      case Report.slab:
        this.#slab = this.#item();
        this.#slabAt = 0;
        break;
      case Report.written: {
        const bytes = this.#word();
        handle?.written(bytes);
        break;
      }
      case Report.end:
        handle?.end();
        break;
      case Report.finished:
        handle?.finished();
        break;
      case Report.timedOut:
        handle?.timedOut();
        break;
      default:
        this.#readRare(head, handle);
    }
  }

  #readRare(head: number, handle: NetHandle | undefined): void {
    switch (head & KIND_MASK) {
      case Report.error: {
        const errno = this.#word();
        const call = CALLS[this.#word()] as string;
        const port = this.#word();
        const address = this.#text(this.#word());
        handle?.failed(errno, call, port, address);
        break;
      }
      case Report.closed: {
        const reason = this.#word();
        const lost = this.#word() === 1;
        this.#forget(head >> KIND_BITS);
        handle?.closed(reason, lost);
        break;
      }
      case Report.connected: {
        const local = this.#endpoint();
        const remote = this.#endpoint();
        handle?.connected(local, remote);
        break;
      }
      case Report.accepted: {
        const id = this.#word();
        const local = this.#endpoint();
        const remote = this.#endpoint();
        if (handle !== undefined) handle.accepted(id, local, remote);
        else this.stage.command(id, Command.close, 0);
        break;
      }
      case Report.dropped: {
        const local = this.#endpoint();
        const remote = this.#endpoint();
        handle?.dropped(local, remote);
        break;
      }
      case Report.listening: {
        const local = this.#endpoint();
        handle?.listening(local);
        break;
      }
      case Report.lookup: {
        const family = this.#word();
        const address = this.#text(this.#word());
        handle?.lookup(family, address);
        break;
      }
      case Report.attempt: {
        const errno = this.#word();
        const port = this.#word();
        const address = this.#text(this.#word());
        handle?.attempt(errno, port, address);
        break;
      }
    }
  }

  /** Both sides have said their last about `id`. */
  #forget(id: number): void {
    if (id === TABLE_ID) {
      // The loop has ended: what holds on to this table would hold on to the loop.
      forget(this.#native.target);
      removeStage(this.stage.flush);
      return;
    }
    this.#handles[id] = undefined;
    if (id % 2 === 0) this.#freeIds.push(id);
    else if (this.isOpen) this.stage.command(id, Command.forget);
  }

  /** The loop took none of these. */
  #refuse(commands: readonly RefusedCommand[]): void {
    const error = this.isOpen ? fullError() : stoppedError();
    // The loop has never heard of this table, and will not tell it of its end.
    if (!this.isOpen && !this.stage.accepted) this.#forget(TABLE_ID);
    for (const { id, kind } of commands) {
      const handle = this.#handles[id];
      if (handle === undefined) continue;
      if (kind === Command.write || kind === Command.shutdown) {
        handle.refused(error);
      } else if (kind === Command.connect || kind === Command.listen) {
        handle.refused(error);
        this.#closeLater(id, handle);
      } else if (kind === Command.close) {
        this.#closeLater(id, handle);
      }
    }
  }

  /** The loop will not say that `handle` is closed, as it does not know it or is no more: it is said here. */
  #closeLater(id: number, handle: NetHandle): void {
    setImmediate(() => {
      if (this.#handles[id] !== handle) return;
      this.#handles[id] = undefined;
      handle.context.runInAsyncScope(handle.closed, handle, Closed.asAsked, false);
    });
  }

  #word(): number {
    return this.#words[this.#at++] as number;
  }

  #item(): Buffer {
    return this.#items[this.#nextItem++] as Buffer;
  }

  #bytes(size: number): Buffer {
    const begin = this.#slabAt;
    this.#slabAt = begin + size;
    return this.#slab.subarray(begin, begin + size);
  }

  #text(size: number): string {
    const begin = this.#slabAt;
    this.#slabAt = begin + size;
    return this.#slab.toString('latin1', begin, begin + size);
  }

  #endpoint(): Endpoint {
    const family = this.#word();
    const port = this.#word();
    return { family, port, address: this.#text(this.#word()) };
  }
}

export function stoppedError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_STOPPED',
    'The loop was stopped. Nothing of this was sent: use a socket of another loop.',
  );
}

function fullError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_MAILBOX_FULL',
    "The loop's mailbox is full. What was written last was not sent: give the loop a larger mailboxCapacity, or await " +
      "'drain' more often.",
  );
}
