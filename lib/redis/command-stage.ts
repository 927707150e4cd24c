// What one JS turn sends on one connection, gathered for a single call into the native side.
//
// All text arguments stand one after the other in one string, and `heads` says how they are divided. Nothing is encoded
// here: V8 appends to a string faster than JS can write bytes, and the loop thread has time for the rest. The layout is
// that of native/resp/stage.h.

import { constants } from 'node:buffer';
import { isAnyArrayBuffer, isUint8Array } from 'node:util/types';
import { type NativeRedis, syncCommands } from '../binding.js';
import { copyOfBytes, GONE, isUsable } from '../bytes.js';
import { SideloopTypeError } from '../errors.js';
import { waits } from './commands/blocking.js';
import { callbackError } from './refusals.js';
import { type Arg, commandNames, MAY_BLOCK, namedBy, type Opcode, textOf } from './sender.js';

/** In place of an opcode: the command's name is its first argument. */
export const UNNAMED = 0xffff;

// Commands after which a stage goes out in the middle of a turn: the loop thread can begin while this thread goes on.
const FLUSH_AT_COMMANDS = 512;
// The same by size: a stage that stays in the processor's cache and below what malloc asks the kernel for is twice as fast
// for values of 4 KiB (bench: set-4096-100). It also keeps the string far below V8's limit of 512 MB.
const FLUSH_AT_UNITS = 64 * 1024;

/** UTF-16 units of text that a command may have, and a transaction: with what is staged they are one string of V8's. */
export const MOST_TEXT = constants.MAX_STRING_LENGTH - FLUSH_AT_UNITS;

// A Buffer of at least this size is not copied here but handed over at once, which copies it too.
const COPY_BELOW_BYTES = 16 * 1024;

export class CommandStage {
  /** Commands staged. */
  count = 0;
  // Of the texts, not even inspect() shows anything: there are passwords among them.
  #text = '';
  private heads = new Int32Array(1024);
  private length = 0;
  #bytes: Uint8Array[] | undefined;
  private byteLength = 0;
  private urgent = false;

  constructor(private readonly link: NativeRedis) {}

  /** Stages a command of one text argument: the hot path. */
  add1(opcode: Opcode, a: string): void {
    // First the text: where V8 refuses so long a string, nothing else has changed.
    this.#text += a;
    const heads = this.room(3);
    const at = this.length;
    heads[at] = opcode;
    heads[at + 1] = 1;
    heads[at + 2] = a.length;
    this.length = at + 3;
    this.count++;
  }

  /** Stages a command of two text arguments. */
  add2(opcode: Opcode, a: string, b: string): void {
    this.#text += a + b;
    const heads = this.room(4);
    const at = this.length;
    heads[at] = opcode;
    heads[at + 1] = 2;
    heads[at + 2] = a.length;
    heads[at + 3] = b.length;
    this.length = at + 4;
    this.count++;
  }

  /** Stages a command. Its arguments have been checked. Bytes are those of the moment of the call. */
  add(opcode: Opcode, args: readonly Arg[]): void {
    let text = '';
    const wait = (opcode & MAY_BLOCK) === 0 ? undefined : waits(...namedBy(opcode, args));
    const heads = this.room(3 + args.length);
    let at = this.length;
    heads[at++] = wait === undefined ? opcode & ~MAY_BLOCK : opcode;
    heads[at++] = args.length;
    if (wait !== undefined) heads[at++] = wait;
    for (const arg of args) {
      if (typeof arg === 'object') {
        heads[at++] = ~this.addBytes(arg);
      } else {
        const part = typeof arg === 'string' ? arg : textOf(arg);
        heads[at++] = part.length;
        text += part;
      }
    }
    this.#text += text;
    this.length = at;
    this.count++;
  }

  private addBytes(bytes: Uint8Array): number {
    this.#bytes ??= [];
    this.byteLength += bytes.byteLength;
    if (bytes.byteLength >= COPY_BELOW_BYTES) this.urgent = true;
    return this.#bytes.push(this.urgent ? bytes : copyOfBytes(bytes)) - 1;
  }

  /** True where the stage should go out before the turn is over. */
  get full(): boolean {
    return (
      this.urgent ||
      this.count >= FLUSH_AT_COMMANDS ||
      this.#text.length + this.byteLength >= FLUSH_AT_UNITS
    );
  }

  /**
   * Hands everything over. `alone`: nothing else of this client is pending, so the native side may write it to the socket
   * at once instead of waking the loop thread for it. False where the loop has been stopped: none of it was or will be
   * sent.
   */
  flush(alone: boolean): boolean {
    syncCommands(commandNames());
    const { heads, length, count } = this;
    const text = this.#text;
    const bytes = this.#bytes;
    this.drop();
    return this.link.submit(text, text.length, heads, length, count, bytes, alone);
  }

  /** Forgets what is staged, where it is not to be sent. */
  drop(): void {
    this.#text = '';
    this.length = 0;
    this.count = 0;
    this.#bytes = undefined;
    this.byteLength = 0;
    this.urgent = false;
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

/** The arguments as they are now, whatever becomes of the caller's array and Buffers. */
export function keep(args: readonly Arg[]): Arg[] {
  return args.map((arg) => (typeof arg === 'object' ? copyOfBytes(arg) : arg));
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
    else if (typeof arg === 'bigint') size += String(arg).length;
    // Not instanceof: an array of another realm (a vm context, a test runner) counts.
    else if (isUint8Array(arg) && isUsable(arg)) size += arg.byteLength;
    else throw wrongArgument(name, args, i);
  }
  if (size > MOST_TEXT) checkText(name ?? 'The command', [args]);
  return size;
}

/**
 * Looks whether the text of all these arguments goes into one string.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where it doesn't.
 */
export function checkText(what: string, lists: readonly (readonly Arg[])[]): void {
  let units = 0;
  for (const args of lists) {
    for (const arg of args) {
      if (typeof arg !== 'object')
        units += typeof arg === 'string' ? arg.length : textOf(arg).length;
    }
  }
  if (units <= MOST_TEXT) return;
  throw new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `${what} has ${units} UTF-16 units of text, and at most ${MOST_TEXT} can be sent at once. Give what is long as Buffers.`,
  );
}

function wrongArgument(
  name: string | undefined,
  args: readonly unknown[],
  index: number,
): SideloopTypeError {
  const command = name ?? 'the command';
  if (args.some((arg) => typeof arg === 'function')) return callbackError(command);
  return new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `Argument ${index + 1} of ${command} is ${describe(args[index])}`,
  );
}

const EXPECTED = 'It must be a string, a finite number or a Buffer, or a BigInt';

// Of what is given only its kind is told: it may be a secret.
function describe(value: unknown): string {
  if (isUint8Array(value)) {
    return `a Buffer whose memory is gone: ${GONE}.`;
  }
  if (ArrayBuffer.isView(value) || isAnyArrayBuffer(value)) {
    const bytes = ArrayBuffer.isView(value)
      ? 'Buffer.from(view.buffer, view.byteOffset, view.byteLength)'
      : 'Buffer.from(buffer)';
    return `of type ${tagOf(value)}. ${EXPECTED}; ${bytes} gives its bytes.`;
  }
  const what =
    typeof value === 'object' && value !== null
      ? `an object (${tagOf(value)})`
      : plainTextOf(value);
  return `${what}. ${EXPECTED}; turn anything else into one of these first.`;
}

function plainTextOf(value: unknown): string {
  return typeof value === 'symbol' ? 'a symbol' : String(value);
}

function tagOf(value: object): string {
  try {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag !== 'Object') return tag;
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' ? name : 'without a constructor';
  } catch {
    // Both of them may run code of the caller's.
    return 'that does not say of what kind';
  }
}
