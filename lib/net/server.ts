// A server, as node:net has it, whose connections are accepted on a loop thread.

import type { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import { listenToAbort } from '../abort-listeners.js';
import { SideloopError, SideloopTypeError, SystemError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import { nextTick } from '../turns.js';
import { ACCEPTED } from './accepted.js';
import { checkListener, listenArguments } from './arguments.js';
import { addressInfo, type Endpoint, familyOf } from './endpoint.js';
import { checkListen } from './listen-target.js';
import { addressError, lookupError, loopEndedError } from './net-errors.js';
import { NetHandle, newContext } from './net-handle.js';
import type { ListenOptions, ServerOptions } from './options.js';
import { Socket } from './socket.js';
import { checkServer, type ServerSettings } from './socket-settings.js';
import { SocketTable } from './socket-table.js';
import { Command, Flag } from './wire.js';

// The loop lets 1024 connections wait for this thread. Acknowledging them in portions costs less than one by one.
const ACKNOWLEDGE_AT = 128;

/** The addresses of a connection that was turned away. */
export interface DropArgument {
  localAddress?: string;
  localPort?: number;
  localFamily?: string;
  remoteAddress?: string;
  remotePort?: number;
  remoteFamily?: string;
}

/**
 * Accepts connections: an EventEmitter with the events, methods and properties of node:net's Server. Connections are
 * {@link Socket}s.
 */
export class Server extends EventEmitter implements AsyncDisposable {
  readonly #settings: ServerSettings;
  #handle: ServerHandle | undefined;
  #connections = 0;
  // Ends of it that are on their way to the loop: it may listen anew in between.
  #closing = 0;
  #maxConnections: number | undefined;
  #referenced = true;
  #abort: (() => void) | undefined;

  /**
   * A server that does not listen yet. `listener` hears of 'connection'.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   */
  constructor(options?: ServerOptions, listener?: (socket: Socket) => void);
  constructor(listener?: (socket: Socket) => void);
  constructor(...args: unknown[]) {
    const [first, second] = args;
    const listener = typeof first === 'function' ? first : (second ?? undefined);
    const settings = checkServer(typeof first === 'function' ? {} : ((first ?? {}) as object));
    if (listener !== undefined) checkListener(listener);
    super();
    this.#settings = settings;
    if (listener !== undefined) this.on('connection', listener as (socket: Socket) => void);
  }

  /**
   * Listens: `(options, listener?)`, `(port?, host?, backlog?, listener?)` or `(path, backlog?, listener?)`. 'listening'
   * follows, or 'error'.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   * @throws SideloopError `ERR_SERVER_ALREADY_LISTEN` where it listens.
   */
  listen(options: ListenOptions, listener?: () => void): this;
  listen(port?: number | string, host?: string, backlog?: number, listener?: () => void): this;
  listen(port: number | string, host: string, listener?: () => void): this;
  listen(port: number | string, backlog: number, listener?: () => void): this;
  listen(path: string, backlog?: number, listener?: () => void): this;
  listen(portOrPath: number | string, listener?: () => void): this;
  listen(listener?: () => void): this;
  listen(...args: unknown[]): this {
    const [options, listener] = listenArguments(args);
    const target = checkListen(options);
    if (this.#handle !== undefined) {
      throw new SideloopError('ERR_SERVER_ALREADY_LISTEN', 'The server listens: close() it first.');
    }
    if (listener !== undefined) this.once('listening', listener);
    const table = SocketTable.of(this.#settings.loop ?? EventLoop.shared());
    const handle = new ServerHandle(table, newContext(), this.#events);
    this.#handle = handle;
    handle.path = target.path;
    handle.host = target.host;
    table.add(handle);
    handle.setReferenced(this.#referenced);
    const paused = this.#settings.pauseOnConnect ? Flag.paused : 0;
    const words = [
      target.flags | paused,
      target.port,
      target.backlog,
      this.#maxConnections ?? -1,
      Buffer.byteLength(target.host),
    ];
    table.stage.commandWithTexts(handle.id, Command.listen, words, target.host);
    this.#closeOnAbort(target.signal);
    return this;
  }

  /** True from `listen()` to `close()`. */
  get listening(): boolean {
    return this.#handle !== undefined;
  }

  /** The most connections at a time; further ones are turned away, with a 'drop'. Undefined: no limit. */
  get maxConnections(): number | undefined {
    return this.#maxConnections;
  }

  set maxConnections(given: number | null | undefined) {
    const most = given ?? undefined;
    if (most !== undefined && !(Number.isInteger(most) && most >= 0 && most <= 0x7fff_ffff)) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'maxConnections must be a whole number, 0 or more, or undefined.',
      );
    }
    this.#maxConnections = most;
    this.#handle?.tell(Command.maxConnections, most ?? -1);
  }

  /** Where it listens: the path of a pipe, or address, family and port. null before 'listening'. */
  address(): AddressInfo | string | null {
    const local = this.#handle?.local;
    if (local === undefined) return null;
    return this.#handle?.path ?? (addressInfo(local) as AddressInfo);
  }

  /** Hears how many connections are open. */
  getConnections(callback: (error: Error | null, count: number) => void): this {
    checkListener(callback);
    nextTick(callback, null, this.#connections);
    return this;
  }

  /**
   * Takes no more connections. 'close', and the callback, follow when the last one has ended. Where it does not listen,
   * the callback gets an error `ERR_SERVER_NOT_RUNNING`.
   */
  close(callback?: (error?: Error) => void): this {
    // node:net takes null for none.
    if (callback !== undefined && callback !== null) {
      checkListener(callback);
      const running = this.#handle !== undefined;
      this.once('close', () => {
        if (running) callback();
        else callback(new SideloopError('ERR_SERVER_NOT_RUNNING', 'Server is not running.'));
      });
    }
    this.#abort?.();
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) {
      this.#closing++;
      handle.close(() => {
        this.#closing--;
        this.#emitCloseIfOver();
      });
    } else if (this.#closing === 0) {
      this.#emitCloseIfOver();
    }
    return this;
  }

  /** Has the listening server keep the process alive, as it does at first. */
  ref(): this {
    this.#referenced = true;
    this.#handle?.setReferenced(true);
    return this;
  }

  /** Lets the process exit although the server listens. */
  unref(): this {
    this.#referenced = false;
    this.#handle?.setReferenced(false);
    return this;
  }

  /** `await using server = createServer()`: closes it and waits for its connections to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#handle === undefined) return;
    await new Promise<void>((resolve) => this.close(() => resolve()));
  }

  /** With captureRejections, what an async listener rejects with ends its connection, and not the process. */
  override [EventEmitter.captureRejectionSymbol](
    error: Error,
    event: string,
    ...args: unknown[]
  ): void {
    if (event === 'connection') (args[0] as Socket).destroy(error);
    else this.emit('error', error);
  }

  #emitCloseIfOver(): void {
    if (this.#handle !== undefined || this.#closing > 0 || this.#connections > 0) return;
    nextTick(() => this.emit('close'));
  }

  #closeOnAbort(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const close = () => this.close();
    if (signal.aborted) {
      nextTick(close);
      return;
    }
    const unlisten = listenToAbort(signal, close);
    this.#abort = () => {
      this.#abort = undefined;
      unlisten();
    };
  }

  readonly #events: ServerEvents = {
    listening: () => this.emit('listening'),
    accepted: (handle, id, local, remote) => {
      this.#connections++;
      const socket = new Socket({
        [ACCEPTED]: {
          table: handle.table,
          context: handle.context,
          settings: { ...this.#settings, loop: undefined, signal: undefined },
          id,
          local,
          remote,
          paused: this.#settings.pauseOnConnect,
          gone: () => {
            this.#connections--;
            if (!handle.isOpen) this.#emitCloseIfOver();
          },
        },
      });
      this.emit('connection', socket);
    },
    dropped: (local, remote) => {
      const argument: DropArgument = {
        localAddress: local.address,
        localPort: local.port,
        localFamily: familyOf(local),
        remoteAddress: remote.address,
        remotePort: remote.port,
        remoteFamily: familyOf(remote),
      };
      if (local.family === 0) this.emit('drop');
      else this.emit('drop', argument);
    },
    failed: (handle, error) => {
      if (this.#handle === handle) this.#handle = undefined;
      this.#abort?.();
      handle.close(() => {});
      this.emit('error', error);
    },
    ended: (handle, error) => {
      if (this.#handle === handle) this.#handle = undefined;
      this.#abort?.();
      if (error !== undefined) this.emit('error', error);
      this.#emitCloseIfOver();
    },
  };
}

/** What a server does about the reports of its near end. */
interface ServerEvents {
  listening(): void;
  accepted(handle: ServerHandle, id: number, local: Endpoint, remote: Endpoint): void;
  dropped(local: Endpoint, remote: Endpoint): void;
  /** It does not listen. */
  failed(handle: ServerHandle, error: Error): void;
  /** The loop has ended, and the server with it; by an error where it never listened. */
  ended(handle: ServerHandle, error: Error | undefined): void;
}

class ServerHandle extends NetHandle {
  host = '';
  path: string | undefined;
  local: Endpoint | undefined;
  isOpen = true;
  #taken = 0;
  #closed: (() => void) | undefined;

  constructor(
    table: SocketTable,
    context: AsyncResource,
    private readonly events: ServerEvents,
  ) {
    super(table, context);
  }

  protected override get isBusy(): boolean {
    return this.isOpen && (this.local === undefined || this.closing);
  }

  protected override get isListening(): boolean {
    return this.isOpen;
  }

  tell(command: number, word: number): void {
    if (!this.closing) this.table.stage.command(this.id, command, word);
  }

  close(closed: () => void): void {
    this.#closed = closed;
    if (this.closing) return;
    this.closing = true;
    this.updateHold();
    this.table.stage.command(this.id, Command.close, 0);
  }

  override listening(local: Endpoint): void {
    this.local = local;
    this.updateHold();
    if (!this.closing) this.events.listening();
  }

  override accepted(id: number, local: Endpoint, remote: Endpoint): void {
    if (this.closing) {
      // It came while the server's end was on its way to the loop.
      this.table.stage.command(id, Command.close, 0);
      return;
    }
    if (++this.#taken === ACKNOWLEDGE_AT) {
      this.#taken = 0;
      this.table.stage.acknowledge(this.id, ACKNOWLEDGE_AT);
    }
    this.events.accepted(this, id, local, remote);
  }

  override dropped(local: Endpoint, remote: Endpoint): void {
    if (!this.closing) this.events.dropped(local, remote);
  }

  override failed(errno: number, call: string, port: number, address: string): void {
    if (this.closing) return;
    this.events.failed(this, this.#error(errno, call, port, address));
  }

  override refused(error: Error): void {
    // Alone in its tick: where nobody hears of an error it throws, and others are to be told of theirs.
    nextTick(() => {
      if (!this.closing) this.context.runInAsyncScope(this.events.failed, this.events, this, error);
    });
  }

  override closed(reason: number): void {
    this.isOpen = false;
    this.closing = true;
    this.updateHold();
    const closed = this.#closed;
    if (closed !== undefined) closed();
    else this.events.ended(this, this.local ? undefined : loopEndedError(reason));
  }

  #error(errno: number, call: string, port: number, address: string): Error {
    if (call === 'getaddrinfo') return lookupError(errno, this.host);
    if (call === 'accept') return new SystemError(errno, call);
    return addressError(errno, call, this.path ?? address, this.path === undefined ? port : -1);
  }
}
