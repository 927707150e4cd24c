// Commands gathered to be sent together, with their results in one array, as in ioredis.

import { SideloopTypeError } from '../errors.js';
import { resolveCall } from './call.js';
import { keep, measure } from './command-stage.js';
import { Commands } from './commands/index.js';
import { VariadicSender } from './commands/variadic-sender.js';
import { refuseArguments } from './refusals.js';
import { type Arg, AS_BUFFERS, nameOf, type Opcode, type Result } from './sender.js';

/** A command's error, or null and its result. */
export type PipelineResult = [error: Error | null, result: unknown];

/** A command of a list: the name of a method, or of a command, and what it is given. */
export type PipelineCommand = readonly [name: string, ...args: unknown[]];

/** A command that was gathered, with its arguments as they were then. */
export interface GatheredCommand {
  opcode: Opcode;
  args: readonly Arg[];
}

/** Sends what was gathered; a result for each. */
type SendAll = (commands: readonly GatheredCommand[]) => Promise<PipelineResult[]>;

/** Sends each command for itself, in order. */
export async function sendEach(
  commands: readonly GatheredCommand[],
  send: (opcode: Opcode, args: readonly Arg[]) => Promise<unknown>,
): Promise<PipelineResult[]> {
  const settled = await Promise.allSettled(commands.map((c) => send(c.opcode, c.args)));
  return settled.map((s) => (s.status === 'fulfilled' ? [null, s.value] : [s.reason, undefined]));
}

/**
 * Gathers commands until {@link Pipeline.exec}. They are sent in one piece, in order, with no command of others on this
 * client between them. Those of `redis.pipeline()` are no transaction; those of `redis.multi()` are.
 */
export class Pipeline extends Commands<'pipeline'> {
  readonly #sendAll: SendAll;
  #commands: GatheredCommand[] = [];
  #results: Promise<PipelineResult[]> | undefined;

  /** @internal Made by `redis.pipeline()` and `redis.multi()`. */
  constructor(sendAll: SendAll) {
    super();
    this.#sendAll = sendAll;
  }

  /** Commands gathered. */
  get length(): number {
    return this.#commands.length;
  }

  /**
   * Adds any command by its name.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument, `ERR_SIDELOOP_REDIS_UNSUPPORTED` for a command
   * that a shared connection can't have.
   */
  call(name: string, ...args: (Arg | readonly Arg[])[]): this {
    const command = resolveCall(name, args);
    return this.send(command.opcode, command.args) as this;
  }

  /** Like {@link Pipeline.call}, with Buffers in place of strings in the reply. */
  callBuffer(name: string, ...args: (Arg | readonly Arg[])[]): this {
    const command = resolveCall(name, args);
    return this.send(command.opcode | AS_BUFFERS, command.args) as this;
  }

  /**
   * Adds the commands of a list: `addBatch([['set', 'a', 1], ['getBuffer', 'a'], ['JSON.GET', 'doc']])`. Each begins with
   * the name of a method, or of any command. Where one is wrong, none is added.
   *
   * @throws SideloopTypeError as {@link Pipeline.call}.
   */
  addBatch(commands: readonly PipelineCommand[]): this {
    if (!Array.isArray(commands)) throw listError('what was given');
    const before = this.#commands.length;
    try {
      for (const [i, command] of commands.entries()) this.#add(command, i);
    } catch (error) {
      this.#commands.length = before;
      throw error;
    }
    return this;
  }

  /**
   * Sends what was gathered, and resolves with one result for each command, in order; it does not reject for what becomes
   * of them, unless they are a transaction that was lost or discarded. Called again, it gives the same results; commands that
   * were added meanwhile are sent, and give new ones.
   *
   * Rejects with a SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where it is given something, such as a callback.
   */
  exec(): Promise<PipelineResult[]>;
  async exec(...given: unknown[]): Promise<PipelineResult[]> {
    refuseArguments('exec()', given);
    if (this.#results === undefined || this.#commands.length > 0) {
      const commands = this.#commands;
      this.#commands = [];
      this.#results = this.#sendAll(commands);
    }
    return this.#results;
  }

  #add(command: PipelineCommand, index: number): void {
    if (!Array.isArray(command) || typeof command[0] !== 'string')
      throw listError(`element ${index}`);
    const [name, ...args] = command;
    const method = isMethod(name) ? name : 'call';
    const all = method === name ? args : command;
    Reflect.apply(this[method as 'call'] as (...all: unknown[]) => unknown, this, all);
  }

  protected override send0<T>(opcode: Opcode): Result<T, 'pipeline'> {
    return this.send(opcode, []);
  }

  protected override send1<T>(opcode: Opcode, a: Arg): Result<T, 'pipeline'> {
    return this.send(opcode, [a]);
  }

  protected override send2<T>(opcode: Opcode, a: Arg, b: Arg): Result<T, 'pipeline'> {
    return this.send(opcode, [a, b]);
  }

  protected override send<T>(opcode: Opcode, args: readonly Arg[]): Result<T, 'pipeline'> {
    measure(nameOf(opcode), args);
    this.#commands.push({ opcode, args: keep(args) });
    return this as Result<T, 'pipeline'>;
  }
}

function isMethod(name: string): boolean {
  if (name === 'call' || name === 'callBuffer') return true;
  // Of the typed ones, not of what they are made with.
  return name in Commands.prototype && !(name in VariadicSender.prototype);
}

function listError(what: string): SideloopTypeError {
  return new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `A pipeline takes a list of commands, each a list of a name and arguments: [['set', 'key', 1], ['get', 'key']]; ${what} is none.`,
  );
}
