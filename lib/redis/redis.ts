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
import { type Failure, nativeError, RedisError, type SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { resolveCall } from './call.js';
import { CommandStage, measure } from './command-stage.js';
import { Commands } from './commands/index.js';
import { type RedisArguments, type ResolvedOptions, resolveOptions } from './options.js';
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

/** A command held back until there is room. */
interface Waiter {
  opcode: Opcode;
  args: readonly Arg[];
  size: number;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

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
  readonly #waiters: Waiter[] = [];
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
    receive(this.#native.target, {
      settle: (values) => {
        this.pending.settle(values);
        this.#admitWaiters();
      },
      fail: (failure) => this.#fail(failure),
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

  /** Connects a client made with `lazyConnect`; resolves when it is ready. */
  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#status === 'ready') return resolve();
      if (this.#ended || this.#closed) return reject(closedError());
      const onReady = () => {
        this.#events.off('end', onEnd);
        resolve();
      };
      const onEnd = () => {
        this.#events.off('ready', onReady);
        reject(closedError());
      };
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

  /** Lets all that was sent before finish, then closes. Resolves with `OK`. */
  quit(): Promise<'OK'> {
    if (this.#closed) return Promise.reject(closedError('QUIT'));
    this.#close();
    if (this.stage.count > 0) this.flush();
    if (!this.#native.quit()) return Promise.reject(stoppedError('QUIT'));
    return this.pending.push(QUIT, 0) as Promise<'OK'>;
  }

  /** Closes at once. What is pending rejects with `ERR_SIDELOOP_REDIS_CLOSED`. */
  disconnect(): void {
    if (this.#ended) return;
    this.#close();
    if (this.stage.count > 0) this.flush();
    this.#native.close();
  }

  /** What the client did so far. */
  stats(): RedisStats {
    return { ...this.#native.stats(), pending: this.pending.size + this.#waiters.length };
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

  /** The same as {@link Redis.off}; `events.once(redis, 'ready')` asks for it. */
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
    return (
      this.direct &&
      this.pending.size < this.maxCommands &&
      this.pending.bytes + size <= this.maxBytes
    );
  }

  /** The command just staged gets its promise, and the first of a turn has the turn's end send them all. */
  private staged(opcode: Opcode, size: number): Promise<unknown> {
    const promise = this.pending.push(opcode, size);
    if (this.stage.count === 1) process.nextTick(this.flushLater);
    else if (this.stage.full) this.flush();
    return promise;
  }

  private flush(): void {
    const { count } = this.stage;
    if (count === 0) return;
    if (!this.stage.flush(count === this.pending.size)) this.pending.failLast(count, stoppedError);
  }

  #open(): void {
    this.#status = 'connecting';
    this.#native.open();
  }

  #close(): void {
    this.#closed = true;
    this.direct = false;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError(nameOf(waiter.opcode)));
  }

  #sendLater(opcode: Opcode, args: readonly Arg[], size: number): Promise<unknown> {
    const name = nameOf(opcode);
    if (this.#closed || this.#ended) return Promise.reject(closedError(name));
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
    return new Promise((resolve, reject) => {
      // A copy: the caller may go on with its array.
      this.#waiters.push({ opcode, args: args.slice(), size, resolve, reject });
    });
  }

  /** Sends what waited, in order, as far as there is room now. */
  #admitWaiters(): void {
    if (this.#waiters.length === 0) return;
    let admitted = 0;
    for (const { opcode, args, size, resolve, reject } of this.#waiters) {
      const room =
        this.pending.size < this.maxCommands && this.pending.bytes + size <= this.maxBytes;
      if (!room) break;
      admitted++;
      this.stage.add(opcode, args);
      this.pending.place(opcode, size, resolve, reject);
      if (this.stage.count === 1) process.nextTick(this.flushLater);
      else if (this.stage.full) this.flush();
    }
    this.#waiters.splice(0, admitted);
    if (this.#waiters.length === 0) this.direct = !this.#closed;
  }

  #fail(failure: Failure): void {
    this.pending.fail(failure);
    this.#admitWaiters();
  }

  #onEvent(name: string, values: (string | number)[]): void {
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
      if (this.pending.size === 0) forget(this.#native.target);
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

function stoppedError(command?: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_STOPPED',
    'The loop was stopped or its mailbox is full. The command was not sent: it is safe to repeat.',
    command,
  );
}
