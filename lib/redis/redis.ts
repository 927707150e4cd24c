// The client: typed commands in, promises out. The connection itself lives on the loop thread.

import { EventEmitter } from 'node:events';
import {
  addStage,
  forget,
  type NativeRedis,
  type NativeRedisStats,
  native,
  receive,
  removeStage,
} from '../binding.js';
import { nativeError, parseFailure, RedisError, type SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { resolveCall } from './call.js';
import { CommandStage, measure } from './command-stage.js';
import { Commands } from './commands/index.js';
import { type RedisArguments, type ResolvedOptions, resolveOptions } from './options.js';
import { Overflow } from './overflow.js';
import { PendingRing } from './pending.js';
import { Pipeline } from './pipeline.js';
import { type Arg, AS_BUFFERS, define, nameOf, type Opcode, type Result } from './sender.js';

/** Where a client stands; the names are those of ioredis. */
export type RedisStatus =
  | 'wait'
  | 'connecting'
  | 'connect'
  | 'ready'
  | 'close'
  | 'reconnecting'
  | 'end';

/** The events of a client. */
export interface RedisEvents {
  /** An attempt to connect begins. */
  connecting: [];
  /** The socket is up; the handshake begins. */
  connect: [];
  /** Commands are being sent. `protocol` is that of the wire: 3 or 2. */
  ready: [protocol: number];
  /** The connection was lost, or never came up. Without a listener nothing happens: the client goes on by itself. */
  error: [error: SideloopError];
  /** The connection is down. */
  close: [];
  /** The next attempt begins after `delay` ms; it is number `attempt` since the last success. */
  reconnecting: [delay: number, attempt: number];
  /** The client will not connect again. */
  end: [];
}

/** What a client did, over all its connections. */
export interface RedisStats extends NativeRedisStats {
  /** Promises of this client that are not settled: in flight, waiting, or on their way back to this thread. */
  pending: number;
}

type Listener<E extends keyof RedisEvents> = (...args: RedisEvents[E]) => void;

const QUIT = define('QUIT');

/**
 * A Redis client whose connection lives on a loop thread: what this thread sends in one turn goes out in one write, and
 * replies, deadlines and reconnects are seen to there while this thread is busy. Shaped like ioredis.
 *
 * A command rejects with a `ReplyError` where the server says no (`ERR_SIDELOOP_REDIS_WRONGTYPE`, `..._NOAUTH`,
 * `..._LOADING`, or `..._REPLY`), and with a `RedisError` where no reply came: `ERR_SIDELOOP_REDIS_DISCONNECTED`,
 * `..._REFUSED`, `..._RESOLVE`, `..._CONNECT`, `..._CONNECT_TIMEOUT`, `..._SILENT`, `..._COMMAND_TIMEOUT`, `..._PROTOCOL`,
 * `..._HANDSHAKE`, `..._CLOSED`, `..._FULL`. Its `mayHaveRun` says whether the server may have executed the command.
 */
export class Redis extends Commands<'client'> implements AsyncDisposable {
  #status: RedisStatus = 'wait';
  readonly #loop: EventLoop;
  readonly #native: NativeRedis;
  readonly #events = new EventEmitter();
  readonly #options: ResolvedOptions;
  readonly #overflow: Overflow;
  #ended = false;
  // Plain fields: the hot path reads them on every command.
  private readonly stage: CommandStage;
  private readonly pending = new PendingRing();
  private readonly maxCommands: number;
  private readonly maxBytes: number;
  private readonly flushLater: () => void;
  /** False where a command can't simply be staged: the client is closed, or others wait before it. */
  private direct = true;
  #closed = false;

  /**
   * `new Redis()`, `new Redis(options)`, `new Redis('redis://user:password@host:6379/0', options)`, `new Redis(6379, 'host',
   * options)`, `new Redis('/path/of/socket', options)`. Connects at once unless `lazyConnect` is set.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
   */
  constructor(...args: RedisArguments) {
    super();
    const options = resolveOptions(args);
    this.#options = options;
    this.#loop = options.loop;
    this.maxCommands = options.maxPendingCommands;
    this.maxBytes = options.maxPendingBytes;
    const loop = internalsOf(options.loop);
    this.#native = new native.RedisWrap(loop.native, options.native);
    this.stage = new CommandStage(this.#native);
    this.flushLater = () => this.flush();
    this.#overflow = new Overflow(
      (size) => this.fits(size),
      ({ opcode, args, size, resolve, reject }) => {
        this.pending.place(opcode, size, resolve, reject);
        if (opcode === QUIT) {
          this.#sendQuit();
        } else {
          this.stage.add(opcode, args);
          this.flushSoon();
        }
      },
    );
    receive(this.#native.target, {
      settle: (values) => {
        this.pending.settle(values);
        this.#settled();
      },
      fail: (text) => {
        this.pending.fail(parseFailure(text));
        this.#settled();
      },
      event: (name, values) => this.#onEvent(name, values),
    });
    loop.join(this.#native);
    addStage(this.flushLater);
    if (!options.lazyConnect) this.#open();
  }

  /** Where the client stands. */
  get status(): RedisStatus {
    return this.#status;
  }

  /** The loop it lives on. */
  get loop(): EventLoop {
    return this.#loop;
  }

  /** Connects a client made with `lazyConnect`; resolves when it is ready, and keeps the process alive until then. */
  connect(): Promise<void> {
    if (this.#status === 'ready') return Promise.resolve();
    if (this.#ended || this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) => () => {
        this.#events.off('ready', onReady);
        this.#events.off('end', onEnd);
        this.#native.release();
        done();
      };
      const onReady = settle(resolve);
      const onEnd = settle(() => reject(closedError()));
      this.#native.hold();
      this.#events.once('ready', onReady);
      this.#events.once('end', onEnd);
      if (this.#status === 'wait') this.#open();
    });
  }

  /**
   * Sends any command by its name: `call('LRANGE', 'list', 0, -1)`. Names that have a typed method answer in its shape.
   *
   * Rejects with a SideloopTypeError: `ERR_SIDELOOP_ARGUMENT` for a wrong argument, `ERR_SIDELOOP_REDIS_UNSUPPORTED` for a
   * command that a shared connection can't have (SUBSCRIBE, MONITOR, SELECT and the like).
   */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is the command's business.
  async call(name: string, ...args: (Arg | readonly Arg[])[]): Promise<any> {
    const command = resolveCall(name, args);
    return this.send(command.opcode, command.args);
  }

  /** Like {@link Redis.call}, with Buffers in place of strings in the reply. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is the command's business.
  async callBuffer(name: string, ...args: (Arg | readonly Arg[])[]): Promise<any> {
    const command = resolveCall(name, args);
    return this.send(command.opcode | AS_BUFFERS, command.args);
  }

  /** Gathers commands, to send them in one piece: `pipeline().set('a', 1).get('a').exec()`. */
  pipeline(): Pipeline {
    return new Pipeline((opcode, args) => this.send(opcode, args));
  }

  /**
   * Lets all that was sent before finish, then closes. Resolves with `OK`; the process stays alive for the event `end`,
   * which follows.
   */
  quit(): Promise<'OK'> {
    if (this.#closed) return Promise.reject(closedError('QUIT'));
    this.#native.hold();
    this.#events.once('end', () => this.#native.release());
    this.#closed = true;
    this.direct = false;
    if (this.#overflow.length > 0) return this.#overflow.add(QUIT, [], 0) as Promise<'OK'>;
    const promise = this.pending.push(QUIT, 0);
    this.#sendQuit();
    return promise as Promise<'OK'>;
  }

  /** Closes at once. What is pending rejects with `ERR_SIDELOOP_REDIS_CLOSED`. */
  disconnect(): void {
    if (this.#ended) return;
    this.#close();
    if (this.stage.count > 0) this.flush();
    if (!this.#native.close()) this.#endByItself();
  }

  /** What the client did so far. */
  stats(): RedisStats {
    return { ...this.#native.stats(), pending: this.pending.size + this.#overflow.length };
  }

  /** Calls `listener` at each `event`. */
  on<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.#events.on(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Calls `listener` at the next `event`. */
  once<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.#events.once(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /** Stops calling `listener`. */
  off<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    this.#events.off(event, listener as (...args: unknown[]) => void);
    return this;
  }

  /** The same as {@link Redis.off}, under the name that functions which take an emitter look for. */
  removeListener<E extends keyof RedisEvents>(event: E, listener: Listener<E>): this {
    return this.off(event, listener);
  }

  /** `await using redis = new Redis()`: quits. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.quit();
  }

  protected override send0<T>(opcode: Opcode): Promise<T> {
    return this.send(opcode, []);
  }

  protected override send1<T>(opcode: Opcode, a: Arg): Promise<T> {
    if (typeof a !== 'string' || !this.hasRoom(a.length)) return this.send(opcode, [a]);
    this.stage.add1(opcode, a);
    return this.staged(opcode, a.length) as Promise<T>;
  }

  protected override send2<T>(opcode: Opcode, a: Arg, b: Arg): Promise<T> {
    if (typeof a !== 'string' || typeof b !== 'string' || !this.hasRoom(a.length + b.length)) {
      return this.send(opcode, [a, b]);
    }
    this.stage.add2(opcode, a, b);
    return this.staged(opcode, a.length + b.length) as Promise<T>;
  }

  protected override send<T>(opcode: Opcode, args: readonly Arg[]): Result<T, 'client'> {
    let size: number;
    try {
      size = measure(nameOf(opcode), args);
    } catch (wrong) {
      return Promise.reject(wrong);
    }
    if (!this.hasRoom(size)) return this.#sendLater(opcode, args, size) as Promise<T>;
    this.stage.add(opcode, args);
    return this.staged(opcode, size) as Promise<T>;
  }

  private hasRoom(size: number): boolean {
    return this.direct && this.fits(size);
  }

  private fits(size: number): boolean {
    return this.pending.size < this.maxCommands && this.pending.bytes + size <= this.maxBytes;
  }

  /** The command just staged gets its promise. */
  private staged(opcode: Opcode, size: number): Promise<unknown> {
    const promise = this.pending.push(opcode, size);
    this.flushSoon();
    return promise;
  }

  /** The first command of a turn has the turn's end send them all; a full stage does not wait for it. */
  private flushSoon(): void {
    if (this.stage.full) this.flush();
    else if (this.stage.count === 1) process.nextTick(this.flushLater);
  }

  private flush(): void {
    const { count } = this.stage;
    if (count === 0 || this.stage.flush(count === this.pending.size)) return;
    this.pending.failLast(count, this.#refusedError);
    this.#settled();
  }

  #open(): void {
    this.#status = 'connecting';
    if (!this.#native.open()) this.#endByItself();
  }

  /** QUIT, whose promise is the youngest pending, goes behind what is staged. */
  #sendQuit(): void {
    const { count } = this.stage;
    if (count > 0 && !this.stage.flush(false)) this.pending.failLast(count + 1, this.#refusedError);
    else if (!this.#native.quit()) this.pending.failLast(1, this.#refusedError);
    else return;
    this.#endByItself();
  }

  /** The loop was stopped: where the connection had not begun, nobody will tell of its end. */
  #endByItself(): void {
    queueMicrotask(() => this.#onEvent('end', []));
  }

  #close(): void {
    this.#closed = true;
    this.direct = false;
    this.#overflow.reject((opcode) => closedError(nameOf(opcode)));
  }

  #sendLater(opcode: Opcode, args: readonly Arg[], size: number): Promise<unknown> {
    const name = nameOf(opcode);
    if (this.#closed) return Promise.reject(closedError(name));
    if (this.#options.whenFull === 'reject' || size > this.maxBytes) {
      return Promise.reject(
        new RedisError(
          'ERR_SIDELOOP_REDIS_FULL',
          `${this.pending.size} commands (${this.pending.bytes} bytes) are pending, which is the bound. Await some of ` +
            "them first, raise maxPendingCommands or maxPendingBytes, or set whenFull: 'wait'.",
          name,
        ),
      );
    }
    this.direct = false;
    return this.#overflow.add(opcode, args, size);
  }

  /** There may be room again. */
  #settled(): void {
    this.#overflow.admit();
    if (this.#overflow.length === 0) this.direct = !this.#closed;
    if (this.#ended && this.pending.size === 0) forget(this.#native.target);
  }

  readonly #refusedError = (command?: string): SideloopError =>
    internalsOf(this.#loop).isOpen()
      ? new RedisError(
          'ERR_SIDELOOP_MAILBOX_FULL',
          "The loop's mailbox is full. The command was not sent: repeat it when the loop has caught up, or give the loop " +
            'a larger mailboxCapacity.',
          command,
        )
      : new RedisError(
          'ERR_SIDELOOP_STOPPED',
          'The loop was stopped. The command was not sent: it is safe to repeat on a client of another loop.',
          command,
        );

  #onEvent(name: string, values: (string | number)[]): void {
    if (this.#ended) return;
    if (name === 'close') {
      this.#status = 'close';
      const [code, message] = values as [string, string];
      const expected = this.#closed || code === 'STOPPED' || code === 'DESTROYED';
      if (!expected && this.#events.listenerCount('error') > 0) {
        this.#events.emit('error', nativeError(code, message));
      }
      this.#events.emit('close');
      return;
    }
    this.#status = name as RedisStatus;
    if (name === 'end') {
      this.#ended = true;
      this.#close();
      removeStage(this.flushLater);
      internalsOf(this.#loop).leave(this.#native);
      this.#settled();
    }
    this.#events.emit(name, ...values);
  }
}

function closedError(command?: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_CLOSED',
    'The client was closed. Make a new one.',
    command,
  );
}
