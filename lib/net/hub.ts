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
import type { Peer } from './peer.js';
import { type RefusedCommand, Stage } from './stage.js';
import { CALLS, Closed, Command, HUB_ID, KIND_BITS, KIND_MASK, Report } from './wire.js';

const hubs = new WeakMap<EventLoop, Hub>();

const NO_WORDS = new Int32Array(0);
const NO_BYTES = Buffer.alloc(0);
const DONE = Promise.resolve();
// Batches that have been read and are kept, until they are removed together.
const READ_AT_MOST = 16;

/** What the loop thread passes on at once: reports, and the items that they speak of. */
type Batch = [words: Int32Array, ...items: Buffer[]];

export class Hub implements MessageTarget {
  readonly stage: Stage;
  readonly holder: Holder;
  readonly #native: NativeNet;
  // By id. Even ids are given out here, odd ones by the loop.
  readonly #peers: (Peer | undefined)[] = [];
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

  static of(loop: EventLoop): Hub {
    let hub = hubs.get(loop);
    if (hub === undefined) {
      hub = new Hub(loop);
      hubs.set(loop, hub);
    }
    return hub;
  }

  /** Gives `peer` an id, for what begins here. */
  add(peer: Peer): void {
    peer.id = this.#freeIds.pop() ?? this.#takeNextId();
    this.#peers[peer.id] = peer;
  }

  /** `peer` is what the loop began under `id`. */
  addAs(id: number, peer: Peer): void {
    peer.id = id;
    this.#peers[id] = peer;
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
        const peer = this.#nextPeer();
        if (peer !== undefined) peer.context.runInAsyncScope(this.#readFor, this, peer.context);
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
  #nextPeer(): Peer | undefined {
    while (this.#at < this.#words.length) {
      const head = this.#words[this.#at] as number;
      if (head !== Report.slab) {
        const peer = this.#peers[head >> KIND_BITS];
        if (peer !== undefined) return peer;
      }
      this.#readOne(undefined);
    }
    return undefined;
  }

  /** Reads reports for as long as they are of one async context: entering it costs as much as a report. */
  #readFor(context: AsyncResource): void {
    for (;;) {
      const peer = this.#nextPeer();
      if (peer === undefined || peer.context !== context) return;
      if (this.#mustPauseFor(peer)) {
        this.#pauses = true;
        return;
      }
      this.#readOne(peer);
    }
  }

  // Between two events of node:net, promises settle and ticks run: `await once(socket, 'data')` goes on before the next
  // data are there. So it is here between two reports to the same peer, and around everything that is not data. Only data
  // of different sockets, whose order nobody can rely on, are told of in one go.
  #mustPauseFor(peer: Peer): boolean {
    const kind = (this.#words[this.#at] as number) & KIND_MASK;
    if (kind === Report.written && !peer.waits) return false;
    if (kind === Report.data || kind === Report.large) {
      if (this.#toldEvent || peer.toldInRun === this.#run) return true;
      peer.toldInRun = this.#run;
      this.#told = true;
      return false;
    }
    if (this.#told) return true;
    this.#told = true;
    this.#toldEvent = true;
    return false;
  }

  /** Reads one report, all of it before `peer` hears of it. */
  #readOne(peer: Peer | undefined): void {
    const head = this.#word();
    switch (head & KIND_MASK) {
      case Report.data: {
        const data = this.#bytes(this.#word());
        peer?.data(data);
        break;
      }
      case Report.large: {
        const data = this.#item();
        peer?.data(data);
        break;
      }
      case Report.slab:
        this.#slab = this.#item();
        this.#slabAt = 0;
        break;
      case Report.written: {
        const bytes = this.#word();
        peer?.written(bytes);
        break;
      }
      case Report.end:
        peer?.end();
        break;
      case Report.finished:
        peer?.finished();
        break;
      case Report.timedOut:
        peer?.timedOut();
        break;
      default:
        this.#readRare(head, peer);
    }
  }

  #readRare(head: number, peer: Peer | undefined): void {
    switch (head & KIND_MASK) {
      case Report.error: {
        const errno = this.#word();
        const call = CALLS[this.#word()] as string;
        const port = this.#word();
        const address = this.#text(this.#word());
        peer?.failed(errno, call, port, address);
        break;
      }
      case Report.closed: {
        const reason = this.#word();
        const lost = this.#word() === 1;
        this.#forget(head >> KIND_BITS);
        peer?.closed(reason, lost);
        break;
      }
      case Report.connected: {
        const local = this.#endpoint();
        const remote = this.#endpoint();
        peer?.connected(local, remote);
        break;
      }
      case Report.accepted: {
        const id = this.#word();
        const local = this.#endpoint();
        const remote = this.#endpoint();
        if (peer !== undefined) peer.accepted(id, local, remote);
        else this.stage.command(id, Command.close, 0);
        break;
      }
      case Report.dropped: {
        const local = this.#endpoint();
        const remote = this.#endpoint();
        peer?.dropped(local, remote);
        break;
      }
      case Report.listening: {
        const local = this.#endpoint();
        peer?.listening(local);
        break;
      }
      case Report.lookup: {
        const family = this.#word();
        const address = this.#text(this.#word());
        peer?.lookup(family, address);
        break;
      }
      case Report.attempt: {
        const errno = this.#word();
        const port = this.#word();
        const address = this.#text(this.#word());
        peer?.attempt(errno, port, address);
        break;
      }
    }
  }

  /** Both sides have said their last about `id`. */
  #forget(id: number): void {
    if (id === HUB_ID) {
      // The loop has ended: what holds on to this hub would hold on to the loop.
      forget(this.#native.target);
      removeStage(this.stage.flush);
      return;
    }
    this.#peers[id] = undefined;
    if (id % 2 === 0) this.#freeIds.push(id);
    else if (this.isOpen) this.stage.command(id, Command.forget);
  }

  /** The loop took none of these. */
  #refuse(commands: readonly RefusedCommand[]): void {
    const error = this.isOpen ? fullError() : stoppedError();
    // The loop has never heard of this hub, and will not tell it of its end.
    if (!this.isOpen && !this.stage.accepted) this.#forget(HUB_ID);
    for (const { id, kind } of commands) {
      const peer = this.#peers[id];
      if (peer === undefined) continue;
      if (kind === Command.write || kind === Command.shutdown) {
        peer.refused(error);
      } else if (kind === Command.connect || kind === Command.listen) {
        peer.refused(error);
        this.#closeLater(id, peer);
      } else if (kind === Command.close) {
        this.#closeLater(id, peer);
      }
    }
  }

  /** The loop will not say that `peer` is closed, as it does not know it or is no more: it is said here. */
  #closeLater(id: number, peer: Peer): void {
    setImmediate(() => {
      if (this.#peers[id] !== peer) return;
      this.#peers[id] = undefined;
      peer.context.runInAsyncScope(peer.closed, peer, Closed.asAsked, false);
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
