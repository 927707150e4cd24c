// The client: typed commands in, promises out. The connection itself lives on the loop thread.

import { addStage, forget, type NativeRedis, receive, removeStage } from '../binding.js';
import { nativeError, parseFailure, type SideloopError } from '../errors.js';
import { type EventLoop, internalsOf } from '../event-loop.js';
import { newRedisHandle, type RedisHandle } from '../handle.js';
import { namedBy, resolveCall } from './call.js';
import { CommandStage, measure } from './command-stage.js';
import { waits } from './commands/blocking.js';
import { RedisEmitter, type RedisStatus } from './events.js';
import { setRedisInternals } from './internals.js';
import {
  Attaching,
  type AttachOptions,
  makeClient,
  type RedisArguments,
  type RedisOptions,
} from './options.js';
import { Overflow } from './overflow.js';
import { PendingRing } from './pending.js';
import { Pipeline } from './pipeline.js';
import { type RecurringCommand, RecurringCommands, type RepeatOptions } from './recurring.js';
import { blockingError, closedError, fullError, refusedError } from './refusals.js';
import {
  type Arg,
  AS_BUFFERS,
  define,
  MAY_BLOCK,
  nameOf,
  type Opcode,
  type Result,
} from './sender.js';
import type { RedisStats } from './stats.js';

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
export class Redis extends RedisEmitter implements AsyncDisposable {
  #status: RedisStatus = 'wait';
  readonly #loop: EventLoop;
  readonly #native: NativeRedis;
  readonly #whenFull: 'reject' | 'wait';
  // Set once others can share the connection.
  #handle: RedisHandle | undefined;
  readonly #overflow: Overflow;
  readonly #recurring: RecurringCommands;
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
  constructor(...args: RedisArguments);
  constructor(...args: RedisArguments | [Attaching]) {
    super();
    const making = makeClient(args);
    this.#handle = making.handle;
    this.#loop = making.loop;
    this.#native = making.native;
    this.#whenFull = making.whenFull;
    this.maxCommands = making.maxPendingCommands;
    this.maxBytes = making.maxPendingBytes;
    this.#recurring = new RecurringCommands(this.#native);
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
    setRedisInternals(this, {
      native: this.#native,
      isClosed: () => this.#closed,
      onEnd: (callback) => this.events.prependOnceListener('end', callback),
      refused: this.#refusedError,
    });
    internalsOf(this.#loop).join(this.#native);
    addStage(this.flushLater);
    if (making.open) this.#open();
  }

  /**
   * One more client of a connection, which may be another thread's: the commands of all of them go out on it, in one
   * pipeline. The connection closes when its last client leaves it, by quit(), disconnect() or the end of its thread.
   * Commands that wait at the server, such as BLPOP, reject with `ERR_SIDELOOP_REDIS_UNSUPPORTED` on a shared connection.
   *
   * @throws SideloopError `ERR_SIDELOOP_HANDLE` where no open connection of this process has the handle.
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
   */
  static attach(handle: RedisHandle, options: AttachOptions = {}): Redis {
    const attaching = new Attaching(handle, options);
    return new Redis(attaching as RedisOptions);
  }

  /** What another thread of this process passes to {@link Redis.attach}. From then on the connection is a shared one. */
  get handle(): RedisHandle {
    if (this.#handle === undefined) {
      this.#handle = newRedisHandle(this.#loop.handle);
      this.#native.share(this.#handle);
    }
    return this.#handle;
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
        this.events.off('ready', onReady);
        this.events.off('end', onEnd);
        this.#native.release();
        done();
      };
      const onReady = settle(resolve);
      const onEnd = settle(() => reject(closedError()));
      this.#native.hold();
      this.events.once('ready', onReady);
      this.events.once('end', onEnd);
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
   * Has the loop thread repeat a command, with no help of this thread: `repeat(['PEXPIRE', key, 3000], { everyMs: 1000 })`
   * goes on while this thread is busy. Of the replies only figures are kept. It ends as its options say, by stop(), or with
   * the client, and keeps the process alive until then, unless unref() says otherwise.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong command or option, `ERR_SIDELOOP_REDIS_UNSUPPORTED` as
   * for {@link Redis.call}.
   * @throws SideloopError `ERR_SIDELOOP_REDIS_CLOSED`, `ERR_SIDELOOP_STOPPED`, and the AbortError of a signal that is
   * aborted already.
   */
  repeat(
    command: readonly [name: string, ...args: (Arg | readonly Arg[])[]],
    options: RepeatOptions,
  ): RecurringCommand {
    if (this.#closed) throw closedError();
    return this.#recurring.start(command, options, {
      isShared: this.#handle !== undefined,
      refused: this.#refusedError,
    });
  }

  /**
   * Lets all that was sent before finish, then closes. Resolves with `OK`; the process stays alive for the event `end`,
   * which follows.
   */
  quit(): Promise<'OK'> {
    if (this.#closed) return Promise.reject(closedError('QUIT'));
    this.#native.hold();
    this.events.once('end', () => this.#native.release());
    this.#closed = true;
    this.direct = false;
    this.#recurring.stopAll();
    if (this.#overflow.length > 0) return this.#overflow.add(QUIT, [], 0) as Promise<'OK'>;
    const promise = this.pending.push(QUIT, 0);
    this.#sendQuit();
    return promise as Promise<'OK'>;
  }

  /** Closes at once. What is pending rejects with `ERR_SIDELOOP_REDIS_CLOSED`. */
  disconnect(): void {
    if (this.#ended) return;
    this.#close();
    this.#recurring.stopAll();
    if (this.stage.count > 0) this.flush();
    if (!this.#native.close()) this.#endByItself();
  }

  /** What the client did so far. */
  stats(): RedisStats {
    return { ...this.#native.stats(), pending: this.pending.size + this.#overflow.length };
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
    if (
      typeof a !== 'string' ||
      typeof b !== 'string' ||
      (opcode & MAY_BLOCK) !== 0 ||
      !this.hasRoom(a.length + b.length)
    ) {
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
    if ((opcode & MAY_BLOCK) !== 0 && this.#handle !== undefined) {
      const [name, rest] = namedBy(opcode, args);
      if (waits(name, rest)) return Promise.reject(blockingError(name));
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
    if (this.#whenFull === 'reject' || size > this.maxBytes) {
      return Promise.reject(fullError(this.pending.size, this.pending.bytes, name));
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
    refusedError(internalsOf(this.#loop).isOpen(), command);

  #onEvent(name: string, values: (string | number)[]): void {
    if (this.#ended) return;
    if (name === 'recurring') {
      this.#recurring.onEnd(values);
      return;
    }
    if (name === 'close') {
      this.#status = 'close';
      const [code, message] = values as [string, string];
      const expected = this.#closed || code === 'STOPPED' || code === 'DESTROYED';
      if (!expected && this.events.listenerCount('error') > 0) {
        this.events.emit('error', nativeError(code, message));
      }
      this.events.emit('close');
      return;
    }
    this.#status = name as RedisStatus;
    if (name === 'end') {
      this.#ended = true;
      this.#close();
      removeStage(this.flushLater);
      this.#recurring.endAll(internalsOf(this.#loop).isOpen());
      internalsOf(this.#loop).leave(this.#native);
      this.#settled();
    }
    this.events.emit(name, ...values);
  }
}
