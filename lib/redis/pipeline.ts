// Commands gathered to be sent together, with their results in one array, as in ioredis.

import { resolveCall } from './call.js';
import { keep, measure } from './command-stage.js';
import { Commands } from './commands/index.js';
import { type Arg, AS_BUFFERS, nameOf, type Opcode, type Result } from './sender.js';

/** A command's error, or null and its result. */
export type PipelineResult = [error: Error | null, result: unknown];

/** Sends one command, behind those sent before. */
type Send = (opcode: Opcode, args: readonly Arg[]) => Promise<unknown>;

/**
 * Gathers commands until {@link Pipeline.exec}. They are sent in one piece, in order, with no command of others on this
 * client between them; they are no transaction.
 */
export class Pipeline extends Commands<'pipeline'> {
  readonly #send: Send;
  #commands: { opcode: Opcode; args: readonly Arg[] }[] = [];

  /** @internal Made by `redis.pipeline()`. */
  constructor(send: Send) {
    super();
    this.#send = send;
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

  /** Sends what was gathered, and resolves with one result for each command, in order. It never rejects. */
  async exec(): Promise<PipelineResult[]> {
    const commands = this.#commands;
    this.#commands = [];
    const settled = await Promise.allSettled(commands.map((c) => this.#send(c.opcode, c.args)));
    return settled.map((s) => (s.status === 'fulfilled' ? [null, s.value] : [s.reason, undefined]));
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
