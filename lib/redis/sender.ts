// The seam between the typed commands and the two things that can take them: a Redis client, which
// answers each with a promise, and a Pipeline, which answers each with itself.

import { mayWait } from './commands/blocking.js';
import type { Pipeline } from './pipeline.js';

/**
 * A command argument. Numbers are sent as their decimal text, whole ones with all their digits; strings as UTF-8, buffers as
 * they are.
 */
export type Arg = string | number | bigint | Uint8Array;

/** A key. */
export type Key = string | Uint8Array;

/** The text of an argument that is not bytes. A number must be finite. */
export function textOf(arg: string | number | bigint): string {
  // What String() makes of a number is rounded beyond this, and `1e+21` is no integer to the server.
  const isBig = typeof arg === 'number' && Math.abs(arg) > Number.MAX_SAFE_INTEGER;
  return String(isBig ? BigInt(arg) : arg);
}

/** Turns a reply, in its RESP2 shape, into what the typed method promises. */
// biome-ignore lint/suspicious/noExplicitAny: a reply's shape is the server's to choose.
export type Decode = (reply: any) => unknown;

/** Who answers: a client with a promise of each reply, a pipeline with itself. */
export type Context = 'client' | 'pipeline';

/** What a typed method returns in context `C`. */
export type Result<T, C extends Context> = C extends 'client' ? Promise<T> : Pipeline;

/**
 * A command's number: its index among the names handed to the native side, which keeps their RESP
 * text ready, with flags in the bits above.
 */
export type Opcode = number;

/** Set in an opcode: bulk strings of the reply arrive as Buffers. */
export const AS_BUFFERS = 1 << 16;

/** Set in an opcode: the command may tell the server to wait; lib/redis/commands/blocking.ts says whether it does. */
export const MAY_BLOCK = 1 << 17;

/** Set in the opcode of a stage's MULTI: all of the stage are one transaction, sent as a whole or not at all. */
export const AS_ONE = 1 << 18;

/**
 * Set in an opcode: the server runs somebody's code for it, a script or what a module brings along. That may have run whatever
 * is answered.
 */
export const RUNS_CODE = 1 << 19;

/** The part of an opcode that is the index of its name. */
export const NAME_MASK = 0xffff;

/** Redis with all its modules has some 450 commands and 100 that only servers use. */
const MOST_NAMES = 2048;

const names: string[] = [];
const opcodes = new Map<string, Opcode>();
const decoders: (Decode | undefined)[] = [];

/**
 * Defines a command by its full name. `decode` applies to every reply of that command, however it was
 * sent, unless the reply is null. Replies always arrive in their RESP2 shape: maps and sets as flat
 * arrays, doubles and big numbers as text, booleans as 1 and 0.
 */
export function define(name: string, decode?: Decode, flags = 0): Opcode {
  const known = opcodes.get(name);
  if (known !== undefined) {
    decoders[known & NAME_MASK] ??= decode;
    return known;
  }
  const opcode = names.length | (mayWait(name) ? MAY_BLOCK : 0) | flags;
  names.push(name);
  decoders.push(decode);
  opcodes.set(name, opcode);
  return opcode;
}

/** The opcode of an upper-case command name, if it is defined. */
export function opcodeOf(name: string): Opcode | undefined {
  return opcodes.get(name);
}

/**
 * The opcode of an upper-case command name that a caller brings along, so that errors can name the command. Undefined once
 * there are more of them than servers have commands: they would be kept for ever. What was not defined before may be a module's, or
 * run a function (FCALL).
 */
export function opcodeOfAny(name: string): Opcode | undefined {
  return (
    opcodes.get(name) ??
    (names.length < MOST_NAMES ? define(name, undefined, RUNS_CODE) : undefined)
  );
}

/** The decoder of an opcode, with or without AS_BUFFERS. */
export function decoderOf(opcode: Opcode): Decode | undefined {
  return decoders[opcode & NAME_MASK];
}

/** The name of an opcode. */
export function nameOf(opcode: Opcode): string | undefined {
  return names[opcode & NAME_MASK];
}

/** The upper-case name of a command, and the arguments that follow it. */
export function namedBy(
  opcode: Opcode,
  args: readonly Arg[],
): [name: string, args: readonly Arg[]] {
  const name = nameOf(opcode);
  return name === undefined ? [String(args[0]), args.slice(1)] : [name, args];
}

/** The names defined so far, by opcode. */
export function commandNames(): readonly string[] {
  return names;
}

/** What the families of typed commands need from the object they are part of. */
export abstract class Sender<C extends Context> {
  /** Sends a command without arguments. */
  protected abstract send0<T>(opcode: Opcode): Result<T, C>;
  /** Sends a command of one argument: the hot path. */
  protected abstract send1<T>(opcode: Opcode, a: Arg): Result<T, C>;
  /** Sends a command of two arguments. */
  protected abstract send2<T>(opcode: Opcode, a: Arg, b: Arg): Result<T, C>;
  /** Sends a command of any number of arguments; throws a TypeError where one is no Arg. */
  protected abstract send<T>(opcode: Opcode, args: readonly Arg[]): Result<T, C>;
}
