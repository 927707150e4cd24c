// A socket, as node:net has it, whose I/O is done on a loop thread.

import { type AddressInfo, isIP, type LookupFunction } from 'node:net';
import { listenToAbort } from '../abort-listeners.js';
import { AbortError, SideloopError, SideloopTypeError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import { asciiName } from '../host-name.js';
import { nextTick } from '../turns.js';
import { ACCEPTED, type Accepted } from './accepted.js';
import { checkListener, checkMs, connectArguments, secondsOf } from './arguments.js';
import { type ConnectTarget, checkConnect } from './connect-target.js';
import { CopyingDuplex } from './copying-duplex.js';
import { addressInfo, familyOf } from './endpoint.js';
import { lookUp } from './lookup.js';
import { destroyedError, noAddressError, socketClosedError } from './net-errors.js';
import { newContext } from './net-handle.js';
import type { ConnectOptions } from './options.js';
import { SocketHandle } from './socket-handle.js';
import { checkSocket } from './socket-settings.js';
import { SocketTable } from './socket-table.js';
import { Command, Flag } from './wire.js';

type Callback = (error?: Error | null) => void;

/**
 * One TCP connection, Unix socket or named pipe. A Duplex with the events, methods and properties of node:net's Socket:
 * what takes one of those takes this. Reading and writing happen on the loop thread.
 */
export class Socket extends CopyingDuplex {
  /** True from `connect()` until the connection is there, or failed. */
  connecting = false;
  /** What `setTimeout` was given, in ms. */
  timeout: number | undefined;
  readonly #loop: EventLoop | undefined;
  readonly #signal: AbortSignal | undefined;
  #handle: SocketHandle | undefined;
  #noDelay = false;
  #keepAlive = false;
  #keepAliveSeconds = 0;
  #referenced = true;
  #resets = false;
  // The stream asked for data before there was a connection to read from.
  #readsEarly = false;
  // Waits for the connection to begin, where a lookup of the user's comes first.
  #early: { begin(): void; callback: Callback } | undefined;
  #gone: (() => void) | undefined;
  #unlisten = () => {};

  /**
   * A socket that is not connected. `connect()` makes it so.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   */
  constructor(options?: ConnectOptions & { [ACCEPTED]?: Accepted }) {
    const accepted = options?.[ACCEPTED];
    const settings = accepted?.settings ?? checkSocket(options ?? {});
    const { signal } = settings;
    super({
      allowHalfOpen: settings.allowHalfOpen,
      highWaterMark: settings.highWaterMark,
      decodeStrings: false,
      // It says whether there was an error, and comes when the descriptor is closed.
      emitClose: false,
      autoDestroy: true,
    });
    this.#loop = settings.loop;
    this.#noDelay = settings.noDelay;
    this.#keepAlive = settings.keepAlive;
    this.#keepAliveSeconds = settings.keepAliveSeconds;
    if (accepted !== undefined) this.#adopt(accepted);
    this.#signal = signal;
    const abort = () => this.destroy(new AbortError(signal as AbortSignal));
    // In a later tick where it is aborted already: who gets the socket listens to its errors only then.
    if (signal?.aborted) nextTick(abort);
    else this.#unlisten = listenToAbort(signal, abort);
  }

  /**
   * Connects: `(options, listener?)`, `(port, host?, listener?)` or `(path, listener?)`. 'connect' follows, or 'error'.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   * @throws SideloopError `ERR_SIDELOOP_SOCKET_OPEN` where it is connected already, or about to be.
   */
  connect(options: ConnectOptions, listener?: () => void): this;
  connect(port: number | string, host?: string, listener?: () => void): this;
  connect(port: number | string, listener?: () => void): this;
  connect(path: string, listener?: () => void): this;
  connect(...args: unknown[]): this {
    const [options, listener] = connectArguments(args);
    const target = checkConnect(options);
    if (this.#signal?.aborted) return this;
    if (this.connecting || (this.#handle !== undefined && !this.destroyed)) {
      throw new SideloopError(
        'ERR_SIDELOOP_SOCKET_OPEN',
        'The socket is connected already, or about to be: destroy() it first, or use another.',
      );
    }
    // One that was closed may connect anew, as in node:net.
    if (this.destroyed) (this as unknown as { _undestroy(): void })._undestroy();
    if (listener !== undefined) this.once('connect', listener);
    if (target.timeoutMs !== undefined) this.setTimeout(target.timeoutMs);
    this.connecting = true;
    this.#resets = false;
    const table = SocketTable.of(target.loop ?? this.#loop ?? EventLoop.shared());
    const handle = new SocketHandle(table, newContext(), this);
    handle.isPipe = target.isPipe;
    handle.host = target.host;
    handle.port = target.isPipe ? -1 : target.port;
    this.#handle = handle;
    if (this.#readsEarly) handle.resume();
    this.#readsEarly = false;
    if (target.lookup === undefined) this.#begin(handle, target);
    else this.#lookUp(handle, target, target.lookup);
    return this;
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.#handle?.bytesRead ?? 0;
  }

  /** Bytes sent, and those that wait to be. */
  get bytesWritten(): number {
    return (this.#handle?.bytesWritten ?? 0) + this.writableLength - (this.#handle?.held ?? 0);
  }

  /** The same as `writableLength`. */
  get bufferSize(): number {
    return this.writableLength;
  }

  /** True where there is no connection: not yet, or no more. */
  get pending(): boolean {
    return this.#handle === undefined || this.#handle.isClosed || this.connecting;
  }

  /** How far it is. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** The peer's address. Undefined where there is no connection, and for a pipe. */
  get remoteAddress(): string | undefined {
    return this.#handle?.remote?.address || undefined;
  }

  /** The peer's port. */
  get remotePort(): number | undefined {
    return this.remoteAddress === undefined ? undefined : this.#handle?.remote?.port;
  }

  /** `IPv4` or `IPv6`. */
  get remoteFamily(): string | undefined {
    return familyOf(this.#handle?.remote);
  }

  /** The address here. */
  get localAddress(): string | undefined {
    return this.#handle?.local?.address || undefined;
  }

  /** The port here. */
  get localPort(): number | undefined {
    return this.localAddress === undefined ? undefined : this.#handle?.local?.port;
  }

  /** `IPv4` or `IPv6`. */
  get localFamily(): string | undefined {
    return familyOf(this.#handle?.local);
  }

  /** The address, family and port here. Empty where there is no connection, and for a pipe. */
  address(): AddressInfo | Record<string, never> {
    const local = this.#handle?.local;
    return local === undefined ? {} : addressInfo(local);
  }

  /** Emits 'timeout' whenever nothing came or went for `ms`; 0 ends that. It does nothing else to the socket. */
  setTimeout(ms: number, listener?: () => void): this {
    const checked = checkMs(ms, 'A timeout');
    if (listener !== undefined) checkListener(listener);
    this.timeout = checked;
    if (listener !== undefined) {
      if (ms === 0) this.removeListener('timeout', listener);
      else this.once('timeout', listener);
    }
    this.#tell(Command.timeout, this.timeout);
    return this;
  }

  /** Sends small writes at once, or gathers them. */
  setNoDelay(noDelay = true): this {
    const before = this.#noDelay;
    this.#noDelay = Boolean(noDelay);
    if (this.#noDelay !== before) this.#tell(Command.noDelay, this.#noDelay ? 1 : 0);
    return this;
  }

  /** Has the system probe a connection that is silent for `initialDelay` ms; 0: for as long as the system thinks right. */
  setKeepAlive(enable = false, initialDelay = 0): this {
    const seconds = secondsOf(initialDelay ?? 0);
    if (Boolean(enable) === this.#keepAlive && seconds === this.#keepAliveSeconds) return this;
    this.#keepAlive = Boolean(enable);
    this.#keepAliveSeconds = seconds;
    this.#tell(Command.keepAlive, enable ? 1 : 0, seconds);
    return this;
  }

  /** Has the open socket keep the process alive, as it does at first. */
  ref(): this {
    this.#referenced = true;
    this.#handle?.setReferenced(true);
    return this;
  }

  /** Lets the process exit although the socket is open. */
  unref(): this {
    this.#referenced = false;
    this.#handle?.setReferenced(false);
    return this;
  }

  /** Destroys it when all that was written is out. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /**
   * Closes it with a reset instead of an end, so that the peer gets an error.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a pipe, which has no reset.
   */
  resetAndDestroy(): this {
    if (this.#handle === undefined || this.#handle.isClosed)
      return this.destroy(socketClosedError());
    if (this.#handle.isPipe) {
      throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'Only a TCP connection can be reset.');
    }
    this.#resets = true;
    if (this.connecting) this.once('connect', () => this.destroy());
    else this.destroy();
    return this;
  }

  /** @internal */
  protected override _waits(): boolean {
    return this.#handle?.begun !== true;
  }

  /** @internal */
  override _read(): void {
    const handle = this.#handle;
    if (handle === undefined) this.#readsEarly = true;
    else if (!handle.closing) handle.resume();
  }

  /** @internal */
  override _write(
    chunk: Uint8Array | string,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    const handle = this.#handle;
    if (handle === undefined) callback(socketClosedError());
    else if (handle.begun) handle.writeOne(chunk, encoding, callback);
    else this.#early = { begin: () => handle.writeOne(chunk, encoding, callback), callback };
  }

  /** @internal */
  override _writev(
    chunks: { chunk: Uint8Array | string; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    const handle = this.#handle;
    if (handle === undefined) callback(socketClosedError());
    else if (handle.begun) handle.write(chunks, callback);
    else this.#early = { begin: () => handle.write(chunks, callback), callback };
  }

  /** @internal */
  override _final(callback: (error?: Error | null) => void): void {
    const handle = this.#handle;
    if (handle === undefined) callback();
    else if (handle.begun) handle.shutdown(callback);
    else this.#early = { begin: () => handle.shutdown(callback), callback };
  }

  /** @internal */
  override _destroy(error: Error | null, callback: Callback): void {
    const handle = this.#handle;
    const close = () => this.emit('close', error !== null && error !== undefined);
    this.connecting = false;
    this.#unlisten();
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) nextTick(early.callback, error ?? destroyedError());
    if (handle?.begun && !handle.isClosed) {
      handle.close(this.#resets, error ?? destroyedError(), close);
      callback(error);
    } else {
      callback(error);
      nextTick(close);
    }
    const gone = this.#gone;
    this.#gone = undefined;
    gone?.();
  }

  #adopt({ table, context, id, local, remote, paused, gone }: Accepted): void {
    const handle = new SocketHandle(table, context, this);
    this.#handle = handle;
    this.#gone = gone;
    table.addAs(id, handle);
    handle.local = local;
    handle.remote = remote;
    handle.isPipe = local.family === 0;
    handle.paused = paused;
    handle.begun = true;
    this.#applyOptions();
    if (paused) this.pause();
    else this.read(0);
  }

  #begin(handle: SocketHandle, target: ConnectTarget): void {
    const { port, localAddress } = target;
    const host = target.isPipe ? target.host : asciiName(target.host);
    handle.table.add(handle);
    handle.begun = true;
    handle.setReferenced(this.#referenced);
    const words = [
      target.flags,
      port,
      target.deadlineMs,
      target.attemptMs,
      Buffer.byteLength(host),
      target.localPort,
      Buffer.byteLength(localAddress),
    ];
    handle.table.stage.commandWithTexts(handle.id, Command.connect, words, host + localAddress);
    this.#applyOptions();
    if (this.timeout) this.#tell(Command.timeout, this.timeout);
    const early = this.#early;
    this.#early = undefined;
    early?.begin();
  }

  /** Asks the user's resolver. */
  #lookUp(handle: SocketHandle, target: ConnectTarget, lookup: LookupFunction): void {
    const { host, deadlineMs } = target;
    const startedAt = performance.now();
    lookUp(lookup, target, target.question, deadlineMs, (error, found) => {
      const isOver = () => this.#handle !== handle || this.destroyed;
      for (const { address, family } of found) {
        if (!isOver()) this.emit('lookup', error, address, family, host);
      }
      if (isOver()) return;
      // Anything else would be taken for a name, or divided where it has a comma.
      const addresses = found.flatMap(({ address = '' }) => (isIP(address) ? [address] : []));
      if (error !== null || addresses.length === 0) {
        this.destroy(error ?? noAddressError(host));
        return;
      }
      const passed = Math.round(performance.now() - startedAt);
      this.#begin(handle, {
        ...target,
        host: (target.question.all ? addresses : addresses.slice(0, 1)).join(','),
        flags: target.flags | Flag.isList,
        deadlineMs: deadlineMs && Math.max(1, deadlineMs - passed),
      });
    });
  }

  #applyOptions(): void {
    if (this.#noDelay) this.#tell(Command.noDelay, 1);
    if (this.#keepAlive) this.#tell(Command.keepAlive, 1, this.#keepAliveSeconds);
  }

  /** Where it has not begun, #begin says it. */
  #tell(command: number, ...words: number[]): void {
    const handle = this.#handle;
    if (handle?.begun && !handle.closing) handle.table.stage.command(handle.id, command, ...words);
  }
}
