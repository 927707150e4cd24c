// How a client sends: what is staged in this turn, what is pending at the server, what waits for room.

import type { NativeRedis } from '../binding.js';
import type { SideloopError } from '../errors.js';
import { nextTick } from '../turns.js';
import { CommandStage, checkText, MOST_TEXT, measure } from './command-stage.js';
import { waits } from './commands/blocking.js';
import { RedisEmitter } from './events.js';
import type { Bounds } from './options.js';
import { Overflow } from './overflow.js';
import { PendingRing } from './pending.js';
import type { GatheredCommand } from './pipeline.js';
import { blockingError, closedError, fullError, tooLargeError } from './refusals.js';
import {
  type Arg,
  AS_BUFFERS,
  AS_ONE,
  define,
  MAY_BLOCK,
  namedBy,
  nameOf,
  type Opcode,
  type Result,
} from './sender.js';
import { transactionFailure } from './transaction.js';

const QUIT = define('QUIT');
const MULTI = define('MULTI');
const EXEC = define('EXEC');

const nothing = (): void => {};

/** The part of a client that takes commands and hands them over. */
export abstract class SendingClient extends RedisEmitter {
  /** It takes no more commands. */
  protected closed = false;
  /** Others can use its connection too. */
  protected shared = false;
  // Plain fields: the hot path reads them on every command. The first three are those of one life of the client: from
  // its making, or from connect() after its end, to its end.
  protected native: NativeRedis;
  protected stage: CommandStage;
  protected pending = new PendingRing();
  /** False where a command can't simply be staged: the client is closed, or others wait before it. */
  private direct = true;
  private readonly maxCommands: number;
  private readonly maxBytes: number;
  protected readonly flushLater: () => void;
  readonly #whenFull: Bounds['whenFull'];
  readonly #overflow: Overflow;

  constructor(native: NativeRedis, { maxPendingCommands, maxPendingBytes, whenFull }: Bounds) {
    super();
    this.native = native;
    this.stage = new CommandStage(native);
    this.maxCommands = maxPendingCommands;
    this.maxBytes = maxPendingBytes;
    this.flushLater = () => this.flush();
    this.#whenFull = whenFull;
    this.#overflow = new Overflow(
      (size, count) => this.fits(size, count),
      ({ opcode, args, size, resolve, reject }) => {
        // The connection may be a shared one only since it began to wait for room.
        const refusal = this.#refusalToWait(opcode, args);
        if (refusal !== undefined) {
          reject(refusal);
          return;
        }
        this.pending.place(opcode, size, resolve, reject);
        if (opcode === QUIT) {
          this.#sendQuit();
        } else {
          this.stage.add(opcode, args);
          this.flushSoon();
        }
      },
    );
  }

  /** Why the loop takes nothing. */
  protected abstract readonly refused: (command?: string) => SideloopError;
  /** The loop was stopped, and nobody will tell of the connection's end. */
  protected abstract endByItself(): void;

  /** Begins another life. Requires: nothing is staged or pending. */
  protected beginAnew(native: NativeRedis): void {
    this.native = native;
    this.stage = new CommandStage(native);
    this.pending = new PendingRing();
    this.closed = false;
    this.direct = true;
  }

  protected override send0<T>(opcode: Opcode): Promise<T> {
    return this.send(opcode, []);
  }

  protected override send1<T>(opcode: Opcode, a: Arg): Promise<T> {
    if (typeof a !== 'string' || a.length > MOST_TEXT || !this.hasRoom(a.length)) {
      return this.send(opcode, [a]);
    }
    this.stage.add1(opcode, a);
    return this.staged(opcode, a.length) as Promise<T>;
  }

  protected override send2<T>(opcode: Opcode, a: Arg, b: Arg): Promise<T> {
    if (
      typeof a !== 'string' ||
      typeof b !== 'string' ||
      (opcode & MAY_BLOCK) !== 0 ||
      a.length + b.length > MOST_TEXT ||
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
    const refusal = this.#refusalToWait(opcode, args);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (!this.hasRoom(size)) return this.#sendLater(opcode, args, size) as Promise<T>;
    this.stage.add(opcode, args);
    return this.staged(opcode, size) as Promise<T>;
  }

  /** Sends MULTI, the commands and EXEC as one, and resolves with the reply to EXEC. */
  protected sendTransaction(
    commands: readonly GatheredCommand[],
    asBuffers: boolean,
  ): Promise<unknown> {
    if (this.closed) return Promise.reject(closedError('EXEC'));
    const count = commands.length + 2;
    const sizes = commands.map(({ opcode, args }) => measure(nameOf(opcode), args));
    const size = sizes.reduce((sum, one) => sum + one, 0);
    try {
      if (size > MOST_TEXT)
        checkText(
          'The transaction',
          commands.map(({ args }) => args),
        );
    } catch (wrong) {
      return Promise.reject(wrong);
    }
    return new Promise((resolve, reject) => {
      const send = () => this.#stageTransaction(commands, sizes, asBuffers, resolve, reject);
      if (this.direct && this.fits(size, count)) {
        send();
      } else if (count > this.maxCommands || size > this.maxBytes) {
        reject(tooLargeError(count, size));
      } else if (this.#whenFull === 'reject') {
        reject(fullError(this.pending.size, this.pending.bytes, 'EXEC'));
      } else {
        this.direct = false;
        this.#overflow.addTransaction({ opcode: EXEC, count, size, send, reject });
      }
    });
  }

  // In a stage of its own, which is what the loop thread keeps whole.
  #stageTransaction(
    commands: readonly GatheredCommand[],
    sizes: readonly number[],
    asBuffers: boolean,
    resolve: (reply: unknown) => void,
    reject: (reason: unknown) => void,
  ): void {
    this.flush();
    const exec = asBuffers ? EXEC | AS_BUFFERS : EXEC;
    try {
      this.stage.add(MULTI | AS_ONE, []);
      for (const { opcode, args } of commands) this.stage.add(opcode, args);
      this.stage.add(exec, []);
    } catch (noMemory) {
      this.stage.drop();
      reject(noMemory);
      return;
    }
    let ofMulti: unknown;
    const refusals: Error[] = [];
    this.pending.place(MULTI, 0, nothing, (error) => {
      ofMulti = error;
    });
    for (const [i, { opcode }] of commands.entries()) {
      this.pending.place(opcode, sizes[i] as number, nothing, (error) => {
        refusals.push(error as Error);
      });
    }
    this.pending.place(exec, 0, resolve, (error) => {
      reject(transactionFailure(error, ofMulti, refusals, commands.length));
    });
    this.flush();
  }

  /** Sends QUIT behind all that was called before. No command follows it. */
  protected sendLast(): Promise<unknown> {
    this.closed = true;
    this.direct = false;
    if (this.#overflow.length > 0) return this.#overflow.add(QUIT, [], 0);
    const promise = this.pending.push(QUIT, 0);
    this.#sendQuit();
    return promise;
  }

  /** Takes no more commands, and fails those that wait for room. */
  protected refuseCommands(): void {
    this.closed = true;
    this.direct = false;
    this.#overflow.reject((opcode) => closedError(nameOf(opcode)));
  }

  /** Hands over what is staged. */
  protected flush(): void {
    const { count } = this.stage;
    if (count === 0 || this.stage.flush(count === this.pending.size)) return;
    this.pending.failLast(count, this.refused);
    this.settled();
  }

  /** Commands were settled: there may be room again. */
  protected settled(): void {
    this.#overflow.admit();
    if (this.#overflow.length === 0) this.direct = !this.closed;
  }

  /** Promises that are not settled. */
  protected get unsettled(): number {
    return this.pending.size + this.#overflow.length;
  }

  private hasRoom(size: number): boolean {
    return this.direct && this.fits(size);
  }

  private fits(size: number, count = 1): boolean {
    return (
      this.pending.size + count <= this.maxCommands && this.pending.bytes + size <= this.maxBytes
    );
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
    else if (this.stage.count === 1) nextTick(this.flushLater);
  }

  /** QUIT, whose promise is the youngest pending, goes behind what is staged. */
  #sendQuit(): void {
    const { count } = this.stage;
    if (count > 0 && !this.stage.flush(false)) this.pending.failLast(count + 1, this.refused);
    else if (!this.native.quit()) this.pending.failLast(1, this.refused);
    else return;
    this.endByItself();
  }

  /** Why a command can't be sent that waits at the server, where others use the connection. */
  #refusalToWait(opcode: Opcode, args: readonly Arg[]): SideloopError | undefined {
    if ((opcode & MAY_BLOCK) === 0 || !this.shared) return undefined;
    const [name, rest] = namedBy(opcode, args);
    return waits(name, rest) === undefined ? undefined : blockingError(name);
  }

  #sendLater(opcode: Opcode, args: readonly Arg[], size: number): Promise<unknown> {
    const name = nameOf(opcode);
    if (this.closed) return Promise.reject(closedError(name));
    if (this.#whenFull === 'reject' || size > this.maxBytes) {
      return Promise.reject(fullError(this.pending.size, this.pending.bytes, name));
    }
    this.direct = false;
    return this.#overflow.add(opcode, args, size);
  }
}
