// The near end of one socket: counts what is in transit in both directions, so that neither outgrows its bound, and tells the
// socket what the loop reports.

import type { AsyncResource } from 'node:async_hooks';
import { SystemError } from '../errors.js';
import { nextTick } from '../turns.js';
import type { Endpoint } from './endpoint.js';
import { addressError, attemptsError, lookupError, loopEndedError } from './net-errors.js';
import { NetHandle } from './net-handle.js';
import type { Socket } from './socket.js';
import type { SocketTable } from './socket-table.js';
import { Command } from './wire.js';

/** Bytes that may be on their way to the kernel before a write waits. */
const MOST_IN_TRANSIT = 256 * 1024;
// The loop stops reading at 256 KiB that are not acknowledged. Acknowledging at a quarter of it keeps it reading, and
// costs nothing for small messages.
const ACKNOWLEDGE_AT = 64 * 1024;

/** A chunk that the stream has buffered. */
export interface Part {
  chunk: Uint8Array | string;
  encoding: BufferEncoding;
}

type Callback = (error?: Error | null) => void;

export class SocketHandle extends NetHandle {
  /** It has an id: what is staged for it goes out. */
  begun = false;
  /** The loop has said its last about it. */
  isClosed = false;
  isPipe = false;
  /** What it was told to connect to, for errors. */
  host = '';
  /** Of the host; -1 for a pipe. */
  port = -1;
  bytesRead = 0;
  bytesWritten = 0;
  local: Endpoint | undefined;
  remote: Endpoint | undefined;
  /** Reading begins with the first that is wanted. */
  paused = false;
  /** UTF-16 units or bytes that are staged and of which the stream does not know. */
  held = 0;
  #inTransit = 0;
  #unacknowledged = 0;
  // The stream's buffer is full: what arrives is acknowledged when it wants more.
  #full = false;
  // The stream waits for data, as node:net's handle reads.
  #reading = false;
  #shutsDown = false;
  #drained: Callback | undefined;
  #finished: Callback | undefined;
  #closed: (() => void) | undefined;
  // Why it was closed from here.
  #closedBy: Error | undefined;
  #attempts: SystemError[] = [];

  constructor(
    table: SocketTable,
    context: AsyncResource,
    private readonly socket: Socket,
  ) {
    super(table, context);
  }

  /** Stages chunks, as many as there is room for at a time; calls back when there is room for the next. */
  write(chunks: readonly Part[], callback: Callback, from = 0): void {
    for (let i = from; i < chunks.length; i++) {
      const { chunk, encoding } = chunks[i] as Part;
      this.#send(chunk, encoding);
      // It was refused at once, which has destroyed the socket.
      if (this.closing) {
        this.held = 0;
        callback(this.#closedBy);
        return;
      }
      this.held += chunk.length;
      if (this.#inTransit < MOST_IN_TRANSIT) continue;
      this.waits = true;
      this.#drained = (error) => {
        if (error) callback(error);
        else this.write(chunks, callback, i + 1);
      };
      return;
    }
    this.held = 0;
    callback();
  }

  /** The same for a single chunk. */
  writeOne(chunk: Uint8Array | string, encoding: BufferEncoding, callback: Callback): void {
    this.#send(chunk, encoding);
    if (this.closing || this.#inTransit < MOST_IN_TRANSIT) {
      callback(this.#closedBy);
      return;
    }
    this.held = chunk.length;
    this.waits = true;
    this.#drained = (error) => {
      this.held = 0;
      callback(error);
    };
  }

  #send(chunk: Uint8Array | string, encoding: BufferEncoding): void {
    if (chunk.length === 0) return;
    const { stage } = this.table;
    const size =
      typeof chunk === 'string'
        ? stage.writeText(this.id, chunk, encoding)
        : stage.write(this.id, chunk);
    this.bytesWritten += size;
    this.#inTransit += size;
    if (this.#inTransit === size) this.updateHold();
  }

  protected override get isBusy(): boolean {
    if (!this.begun || this.isClosed) return false;
    const isConnecting = this.local === undefined;
    return isConnecting || this.closing || this.#inTransit > 0 || this.#shutsDown;
  }

  protected override get isListening(): boolean {
    return this.begun && !this.isClosed && this.#reading;
  }

  /** Sends the end behind all that was written. */
  shutdown(callback: Callback): void {
    this.#finished = callback;
    this.#shutsDown = true;
    this.updateHold();
    this.table.stage.command(this.id, Command.shutdown);
  }

  /** The stream wants more. */
  resume(): void {
    if (this.paused) {
      this.paused = false;
      this.table.stage.acknowledge(this.id, 0);
    }
    this.#full = false;
    this.#acknowledge();
    if (this.#reading) return;
    this.#reading = true;
    this.updateHold();
  }

  #stopReading(): void {
    this.#reading = false;
    this.updateHold();
  }

  /** A write that waits for room fails with `error`. */
  close(withReset: boolean, error: Error, closed: () => void): void {
    this.closing = true;
    this.#closedBy = error;
    this.#closed = closed;
    this.#failWaiting(error);
    this.updateHold();
    this.table.stage.command(this.id, Command.close, withReset ? 1 : 0);
  }

  override data(chunk: Buffer): void {
    if (this.closing) return;
    this.bytesRead += chunk.length;
    this.#unacknowledged += chunk.length;
    // A listener may throw, and the data are taken all the same: not acknowledged, they would end the reading.
    try {
      if (!this.socket.push(chunk)) {
        this.#full = true;
        this.#stopReading();
      }
    } finally {
      this.#acknowledge();
    }
  }

  override end(): void {
    if (this.closing) return;
    this.#stopReading();
    this.socket.push(null);
    // Where nobody reads and nothing is left, the stream would not look.
    this.socket.read(0);
  }

  override written(bytes: number): void {
    this.#inTransit -= bytes;
    if (this.#inTransit === 0) this.updateHold();
    if (this.#drained === undefined || this.#inTransit >= MOST_IN_TRANSIT) return;
    // The loop is ending: it takes no more, and its end says which way.
    if (!this.table.isOpen) return;
    const drained = this.#drained;
    this.#drained = undefined;
    this.waits = false;
    drained();
  }

  override finished(): void {
    this.#shutsDown = false;
    this.updateHold();
    if (!this.closing) this.#finished?.();
  }

  override connected(local: Endpoint, remote: Endpoint): void {
    this.local = local;
    this.remote = remote;
    this.#attempts = [];
    this.updateHold();
    const { socket } = this;
    if (this.closing) return;
    socket.connecting = false;
    socket.emit('connect');
    socket.emit('ready');
    if (socket.readable && !socket.isPaused()) socket.read(0);
  }

  override timedOut(): void {
    if (!this.closing) this.socket.emit('timeout');
  }

  override lookup(family: number, address: string): void {
    if (!this.closing) this.socket.emit('lookup', null, address, family, this.host);
  }

  override attempt(errno: number, port: number, address: string): void {
    this.#attempts.push(addressError(errno, 'connect', address, port));
  }

  override failed(errno: number, call: string, port: number, address: string): void {
    if (this.closing) return;
    if (call === 'getaddrinfo') {
      const error = lookupError(errno, this.host);
      this.socket.emit('lookup', error, undefined, undefined, this.host);
      this.socket.destroy(error);
    } else if (call === 'connect') {
      this.socket.destroy(this.#connectError(errno, port, address));
    } else if (call === 'bind') {
      this.socket.destroy(addressError(errno, call, address, port));
    } else {
      this.socket.destroy(new SystemError(errno, call));
    }
  }

  override closed(reason: number, lost: boolean): void {
    this.isClosed = true;
    this.updateHold();
    const closed = this.#closed;
    if (closed !== undefined) {
      closed();
    } else if (lost || this.socket.writableLength > 0) {
      const error = loopEndedError(reason);
      this.socket.destroy(error);
      this.#failWaiting(error);
    } else {
      this.socket.destroy();
    }
  }

  override refused(error: Error): void {
    this.socket.destroy(error);
  }

  /** The write that waits for room gets none. */
  #failWaiting(error: Error): void {
    this.held = 0;
    if (this.#drained !== undefined) nextTick(this.#drained, error);
    this.#drained = undefined;
  }

  #acknowledge(): void {
    if (this.#full || this.#unacknowledged < ACKNOWLEDGE_AT || this.closing) return;
    this.table.stage.acknowledge(this.id, this.#unacknowledged);
    this.#unacknowledged = 0;
  }

  #connectError(errno: number, port: number, address: string): Error {
    // It is a pipe's, or a name is not resolved yet.
    if (address === '') return addressError(errno, 'connect', this.host, this.port);
    const last = this.#attempts.at(-1);
    const isLast = last?.errno === errno && last.address === address;
    if (isLast && this.#attempts.length > 1) return attemptsError(this.#attempts);
    return addressError(errno, 'connect', address, port);
  }
}
