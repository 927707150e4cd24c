// The client: typed commands in, promises out. The connection itself lives on the loop thread.

import { type InspectOptions, inspect } from 'node:util';
import { newRedisHandle, type RedisHandle } from '../handle.js';
import { resolveCall } from './call.js';
import type { RedisArguments } from './client-arguments.js';
import { ConnectedClient } from './connected-client.js';
import type { RedisStatus } from './events.js';
import { setRedisInternals } from './internals.js';
import { Attaching, type AttachOptions, makeClient, type RedisOptions } from './options.js';
import { Pipeline, type PipelineCommand, sendEach } from './pipeline.js';
import type { RecurringCommand, RepeatOptions } from './recurring.js';
import { closedError } from './refusals.js';
import { type Arg, AS_BUFFERS } from './sender.js';
import type { RedisStats } from './stats.js';
import { runTransaction } from './transaction.js';

/**
 * A Redis client whose connection lives on a loop thread: what this thread sends in one turn goes out in one write, and
 * replies, deadlines and reconnects are seen to there while this thread is busy. Shaped like ioredis.
 *
 * A command rejects with a `ReplyError` where the server says no (`ERR_SIDELOOP_REDIS_WRONGTYPE`, `..._NOAUTH`,
 * `..._LOADING`, or `..._REPLY`), and with a `RedisError` where no reply came: `ERR_SIDELOOP_REDIS_DISCONNECTED`,
 * `..._REFUSED`, `..._RESOLVE`, `..._CONNECT`, `..._CONNECT_TIMEOUT`, `..._SILENT`, `..._COMMAND_TIMEOUT`, `..._PROTOCOL`,
 * `..._HANDSHAKE`, `..._CLOSED`, `..._FULL`, `..._REPLIES_FULL`; `ERR_SIDELOOP_DELIVERY` is a defect here. Its `mayHaveRun`
 * says whether the server may have executed the command.
 */
export class Redis extends ConnectedClient implements AsyncDisposable {
  // Set once others can share the connection.
  #handle: RedisHandle | undefined;
  readonly #isGuest: boolean;

  /**
   * `new Redis()`, `new Redis(options)`, `new Redis('redis://user:password@host:6379/0?family=6', options)`,
   * `new Redis(6379, 'host', options)`, `new Redis('/path/of/socket?db=1', options)`. Undefined and null count as not given;
   * of an option that is given twice, the first counts, but a port, or a text, that says again what one before it said is
   * refused. The query of a URL may have any option that text can say. Connects at once unless `lazyConnect` is set.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
   */
  constructor(...args: RedisArguments);
  constructor(...args: RedisArguments | [Attaching]) {
    const making = makeClient(args);
    super(making);
    this.#handle = making.handle;
    this.#isGuest = making.handle !== undefined;
    const client = this;
    setRedisInternals(this, {
      get native() {
        return client.native;
      },
      isClosed: () => this.closed,
      onEnd: (callback) => this.endListeners.push(callback),
      refused: this.refused,
    });
    this.begin();
    if (making.open) this.open();
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

  /**
   * What another thread of this process passes to {@link Redis.attach}. From then on the connection is a shared one: read it
   * before you send a command that waits at the server, which holds up the others until it is answered.
   */
  get handle(): RedisHandle {
    if (this.#handle === undefined) {
      this.#handle = newRedisHandle(this.loop.handle);
      this.native.share(this.#handle);
      this.shared = true;
      this.recurring.endWaiting();
    }
    return this.#handle;
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

  /**
   * Gathers commands, to send them in one piece: `pipeline().set('a', 1).get('a').exec()`. It may begin with a list of them:
   * see {@link Pipeline.addBatch}.
   *
   * @throws SideloopTypeError as {@link Pipeline.addBatch}.
   */
  pipeline(commands: readonly PipelineCommand[] = []): Pipeline {
    return new Pipeline((all) => sendEach(all, (opcode, args) => this.send(opcode, args))).addBatch(
      commands,
    );
  }

  /**
   * A transaction: `multi().incr('a').incr('b').exec()`. The commands are gathered here, go out as one between MULTI and
   * EXEC, and run as one: no command of others gets between them, nor does the loss of the connection. `exec()` resolves as
   * that of {@link Redis.pipeline}. It rejects with a `TransactionError` (`ERR_SIDELOOP_REDIS_EXECABORT`) where the server
   * discarded it since it refused a command, and as any command where it was lost, when `mayHaveRun` counts for all of it.
   *
   * @throws SideloopTypeError as {@link Pipeline.addBatch}.
   */
  multi(commands: readonly PipelineCommand[] = []): Pipeline {
    return new Pipeline((all) =>
      runTransaction(all, (queued, asBuffers) => this.sendTransaction(queued, asBuffers)),
    ).addBatch(commands);
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
    if (this.closed) throw closedError();
    return this.recurring.start(command, options, {
      isShared: this.shared,
      refused: this.refused,
    });
  }

  /** What the client did so far, in its present life: connect() after an end begins at 0. */
  stats(): RedisStats {
    return { ...this.native.stats(), pending: this.unsettled };
  }

  /** `await using redis = new Redis()`: quits. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.closed) await this.quit();
  }

  /** What console.log() and JSON show: how the client stands, and nothing of what it sends. */
  toJSON(): { status: RedisStatus; pending: number } {
    return { status: this.status, pending: this.unsettled };
  }

  /** As {@link Redis.toJSON}. */
  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Redis ${inspect(this.toJSON(), options)}`;
  }

  protected override begin(): void {
    if (!this.#isGuest) this.#handle = undefined;
    this.shared = this.#isGuest;
    super.begin();
  }
}
