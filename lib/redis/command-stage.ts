// What one JS turn sends on one connection, gathered for a single call into the native side.
//
// All text arguments stand one after the other in one string, and `heads` says how they are divided. Nothing is encoded
// here: V8 appends to a string faster than JS can write bytes, and the loop thread has time for the rest. The layout is
// that of native/resp/stage.h.

import { type NativeRedis, native } from '../binding.js';
import { SideloopTypeError } from '../errors.js';
import { type Arg, commandNames, type Opcode } from './sender.js';

/** In place of an opcode: the command's name is its first argument. */
export const UNNAMED = 0xffff;

// Commands after which a stage goes out in the middle of a turn: the loop thread can begin while this thread goes on.
const FLUSH_AT_COMMANDS = 512;
// The same by size. It also keeps the string far below V8's limit of 512 MB, at which appending throws.
const FLUSH_AT_UNITS = 256 * 1024;

let definedNames = 0;

export class CommandStage {
  /** Commands staged. */
  count = 0;
  private text = '';
  private heads = new Int32Array(1024);
  private length = 0;
  private bytes: Uint8Array[] | undefined;
  private byteLength = 0;

  constructor(private readonly link: NativeRedis) {}

  /** Stages a command of one text argument: the hot path. */
  add1(opcode: Opcode, a: string): void {
    const heads = this.room(3);
    const at = this.length;
    heads[at] = opcode;
    heads[at + 1] = 1;
    heads[at + 2] = a.length;
    this.length = at + 3;
    this.text += a;
    this.count++;
  }

  /** Stages a command of two text arguments. */
  add2(opcode: Opcode, a: string, b: string): void {
    const heads = this.room(4);
    const at = this.length;
    heads[at] = opcode;
    heads[at + 1] = 2;
    heads[at + 2] = a.length;
    heads[at + 3] = b.length;
    this.length = at + 4;
    this.text += a;
    this.text += b;
    this.count++;
  }

  /** Stages a command. Its arguments have been checked. */
  add(opcode: Opcode, args: readonly Arg[]): void {
    const heads = this.room(2 + args.length);
    let at = this.length;
    heads[at++] = opcode;
    heads[at++] = args.length;
    for (const arg of args) {
      if (typeof arg === 'object') {
        this.bytes ??= [];
        this.byteLength += arg.byteLength;
        heads[at++] = ~(this.bytes.push(arg) - 1);
      } else {
        const text = typeof arg === 'string' ? arg : String(arg);
        heads[at++] = text.length;
        this.text += text;
      }
    }
    this.length = at;
    this.count++;
  }

  /** True where the stage should go out before the turn is over. */
  get full(): boolean {
    return this.count >= FLUSH_AT_COMMANDS || this.text.length + this.byteLength >= FLUSH_AT_UNITS;
  }

  /**
   * Hands everything over. `alone`: nothing else of this client is pending, so the native side may write it to the socket
   * at once instead of waking the loop thread for it. False where the loop has been stopped: none of it was or will be
   * sent.
   */
  flush(alone: boolean): boolean {
    // Commands defined since the last flush, by a module that was loaded later.
    if (definedNames !== commandNames().length) {
      native.setCommands(commandNames());
      definedNames = commandNames().length;
    }
    const { text, heads, length, count, bytes } = this;
    this.text = '';
    this.length = 0;
    this.count = 0;
    this.bytes = undefined;
    this.byteLength = 0;
    return this.link.submit(text, text.length, heads, length, count, bytes, alone);
  }

  /** Has room for `n` more numbers in the heads. */
  private room(n: number): Int32Array {
    if (this.length + n > this.heads.length) {
      const larger = new Int32Array(Math.max(this.heads.length * 2, this.length + n));
      larger.set(this.heads);
      this.heads = larger;
    }
    return this.heads;
  }
}

/**
 * The size of the arguments, in UTF-16 units and bytes.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where one can't be sent.
 */
export function measure(name: string | undefined, args: readonly Arg[]): number {
  let size = 0;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as Arg;
    if (typeof arg === 'string') size += arg.length;
    else if (typeof arg === 'number' && Number.isFinite(arg)) size += 8;
    else if (arg instanceof Uint8Array) size += arg.byteLength;
    else throw wrongArgument(name, i, arg);
  }
  return size;
}

function wrongArgument(name: string | undefined, index: number, value: unknown): SideloopTypeError {
  const what = value === null || typeof value !== 'object' ? String(value) : describe(value);
  return new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `Argument ${index + 1} of ${name ?? 'the command'} is ${what}. It must be a string, a finite number or a Buffer; ` +
      'turn anything else into one of these first.',
  );
}

function describe(value: object): string {
  return `an object (${value.constructor?.name ?? 'without a constructor'})`;
}
