// From the shapes in which a typed method takes its arguments (one, several, a list, a record, a
// map) to the one flat list that a command is.
//
// A value of any other shape is passed on as it is, for the sender to refuse: nothing is dropped,
// converted or flattened deeper here. For the same reason optional arguments are rest parameters:
// an argument that is there but undefined is refused too, and not taken for one that is missing.
// A call may also have more arguments than its types allow. They go to the server, which answers:
// a lock of `setnx(key, me, 'EX', 10)` that never expires would be worse than an error. Methods of
// up to two arguments look at `arguments.length` for it, which costs nothing; a rest parameter would
// make a list for each call.

import { isMap } from 'node:util/types';
import { type Arg, type Context, type Opcode, type Result, Sender } from '../sender.js';

/** A whole number, or its decimal text. */
export type Integer = number | bigint | string;

/** A number, or its text: `1.5`, `'inf'`, and `'(1.5'` where a command takes exclusive bounds. */
export type Decimal = number | bigint | string;

/**
 * An integer of 64 bits: a number, and beyond what one holds exactly a string or a BigInt, by the client's `bigNumbers`; a
 * string in any case with its `stringNumbers`.
 */
export type Int64 = number | string | bigint;

/** What a method took in place of a number of arguments: some of these may be lists. */
type Loose = Arg | readonly Arg[];

/** Flattens what methods accept, without building a list where one or two arguments do. */
export abstract class VariadicSender<C extends Context> extends Sender<C> {
  /** `get(key, ...)`: more arguments than the method has parameters. */
  protected sendGiven<T>(opcode: Opcode, given: ArrayLike<Arg>): Result<T, C> {
    return this.send<T>(opcode, Array.from(given));
  }

  /** `del(key)`, `del(key, key)`, `del([key, key])`. */
  protected sendList<T>(opcode: Opcode, first: Loose, rest: readonly Arg[]): Result<T, C> {
    if (rest.length > 0) return this.send<T>(opcode, [first as Arg, ...rest]);
    return isList(first) ? this.send<T>(opcode, first) : this.send1<T>(opcode, first);
  }

  /** `info()`, `info(section, section)`. */
  protected sendAll<T>(opcode: Opcode, args: readonly Arg[]): Result<T, C> {
    return args.length === 0 ? this.send0<T>(opcode) : this.send<T>(opcode, args);
  }

  /** `lpop(key)`, `lpop(key, count)`, `getex(key, option, value)`. */
  protected sendKeyed<T>(opcode: Opcode, key: Arg, rest: readonly Arg[]): Result<T, C> {
    if (rest.length === 0) return this.send1<T>(opcode, key);
    if (rest.length === 1) return this.send2<T>(opcode, key, rest[0] as Arg);
    return this.send<T>(opcode, [key, ...rest]);
  }

  /** `expire(key, seconds)`, `expire(key, seconds, condition)`. */
  protected sendPair<T>(opcode: Opcode, a: Arg, b: Arg, rest: readonly Arg[]): Result<T, C> {
    return rest.length === 0 ? this.send2<T>(opcode, a, b) : this.send<T>(opcode, [a, b, ...rest]);
  }

  /** `sadd(key, member)`, `sadd(key, member, member)`, `sadd(key, [member, member])`. */
  protected sendKeyedList<T>(
    opcode: Opcode,
    key: Arg,
    first: Loose,
    rest: readonly Arg[],
  ): Result<T, C> {
    if (rest.length > 0) return this.send<T>(opcode, [key, first as Arg, ...rest]);
    return isList(first)
      ? this.send<T>(opcode, [key, ...first])
      : this.send2<T>(opcode, key, first);
  }

  /**
   * `blpop(key, key, timeout)` and `blpop([key, key], timeout)`: a list may stand at position `at`.
   */
  protected sendListAt<T>(opcode: Opcode, args: readonly Loose[], at: number): Result<T, C> {
    const list = args[at];
    if (!isList(list)) return this.send<T>(opcode, args as readonly Arg[]);
    // Spread into a literal, not into a call: a list may be longer than the stack is deep.
    const flat = [...args.slice(0, at), ...list, ...args.slice(at + 1)];
    return this.send<T>(opcode, flat as Arg[]);
  }

  /** `mset(key, value, ...)`, `mset({ key: value })`, `mset(new Map(...))`. */
  protected sendEntries<T>(opcode: Opcode, data: readonly unknown[]): Result<T, C> {
    return this.send<T>(opcode, (data.length === 1 ? entriesOf(data[0]) : data) as Arg[]);
  }

  /** `hset(key, field, value, ...)`, `hset(key, { field: value })`, `hset(key, new Map(...))`. */
  protected sendKeyedEntries<T>(opcode: Opcode, key: Arg, data: readonly unknown[]): Result<T, C> {
    const entries = data.length === 1 ? entriesOf(data[0]) : data;
    return this.send<T>(opcode, [key, ...entries] as Arg[]);
  }
}

/** `Array.isArray` that narrows readonly lists too. */
function isList(value: Loose | undefined): value is readonly Arg[] {
  return Array.isArray(value);
}

/** The keys and values of a record or a Map in turn. A Set, a Date or a Buffer is neither. */
function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  // Not instanceof: an object of another realm (a vm context, a test runner) counts.
  if (isMap(value)) return [...value].flat();
  if (Object.prototype.toString.call(value) === '[object Object]') {
    return Object.entries(value as object).flat();
  }
  return [value];
}
