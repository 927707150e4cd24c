// Commands on strings, and on the numbers they may hold.

import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { KeyCommands } from './keys.js';
import type { Decimal, Int64, Integer } from './variadic-sender.js';

const APPEND = define('APPEND');
const DECR = define('DECR');
const DECRBY = define('DECRBY');
const GET = define('GET');
const GETDEL = define('GETDEL');
const GETEX = define('GETEX');
const GETRANGE = define('GETRANGE');
const GETSET = define('GETSET');
const INCR = define('INCR');
const INCRBY = define('INCRBY');
const INCRBYFLOAT = define('INCRBYFLOAT');
const LCS = define('LCS');
const MGET = define('MGET');
const MSET = define('MSET');
const MSETNX = define('MSETNX');
const PSETEX = define('PSETEX');
const SET = define('SET');
const SETEX = define('SETEX');
const SETNX = define('SETNX');
const SETRANGE = define('SETRANGE');
const STRLEN = define('STRLEN');
const SUBSTR = define('SUBSTR');

/** An option of `set`, or the number that follows one. */
export type SetOption =
  | ('EX' | 'PX' | 'EXAT' | 'PXAT' | 'KEEPTTL' | 'NX' | 'XX' | 'GET')
  | (number | bigint | `${number}`);

/** What `set` answers: with GET the old value, with NX or XX null where nothing was set. */
export type SetReply<O extends readonly SetOption[], Value> = 'GET' extends O[number]
  ? Value | null
  : Extract<O[number], 'NX' | 'XX'> extends never
    ? 'OK'
    : 'OK' | null;

/** An option of `getex`, or the number that follows one. */
export type GetexOption = 'EX' | 'PX' | 'EXAT' | 'PXAT' | 'PERSIST' | number | bigint | `${number}`;

/** An option of `lcs`, or the number that follows one. */
export type LcsOption =
  | 'LEN'
  | 'IDX'
  | 'MINMATCHLEN'
  | 'WITHMATCHLEN'
  | number
  | bigint
  | `${number}`;

/** What `lcs` answers: the text, with LEN its length, with IDX the matching ranges. */
export type LcsReply<O extends readonly LcsOption[], Value> = 'IDX' extends O[number]
  ? unknown[]
  : 'LEN' extends O[number]
    ? number
    : Value;

/** Commands on strings. */
export abstract class StringCommands<C extends Context> extends KeyCommands<C> {
  /** Appends to a value, which is created where missing. The new length in bytes. */
  append(key: Key, value: Arg): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(APPEND, arguments)
      : this.send2(APPEND, key, value);
  }

  /** Decrements by one; a missing key counts as 0. The new number. */
  decr(key: Key): Result<Int64, C> {
    return arguments.length > 1 ? this.sendGiven(DECR, arguments) : this.send1(DECR, key);
  }

  /** Decrements by a whole number. The new number. */
  decrby(key: Key, decrement: Integer): Result<Int64, C> {
    return arguments.length > 2
      ? this.sendGiven(DECRBY, arguments)
      : this.send2(DECRBY, key, decrement);
  }

  /** The value of a key; null where there is none. */
  get(key: Key): Result<string | null, C> {
    return arguments.length > 1 ? this.sendGiven(GET, arguments) : this.send1(GET, key);
  }

  /** As `get`, with the value's bytes. */
  getBuffer(key: Key): Result<Buffer | null, C> {
    return arguments.length > 1
      ? this.sendGiven(GET | AS_BUFFERS, arguments)
      : this.send1(GET | AS_BUFFERS, key);
  }

  /** The value of a key, which is deleted. Since Redis 6.2. */
  getdel(key: Key): Result<string | null, C> {
    return arguments.length > 1 ? this.sendGiven(GETDEL, arguments) : this.send1(GETDEL, key);
  }

  /** As `getdel`, with the value's bytes. */
  getdelBuffer(key: Key): Result<Buffer | null, C> {
    return arguments.length > 1
      ? this.sendGiven(GETDEL | AS_BUFFERS, arguments)
      : this.send1(GETDEL | AS_BUFFERS, key);
  }

  /**
   * The value of a key, whose expiry is set (EX in s, PX in ms, EXAT, PXAT) or removed (PERSIST).
   * Since Redis 6.2.
   */
  getex(key: Key, ...options: GetexOption[]): Result<string | null, C> {
    return this.sendKeyed(GETEX, key, options);
  }

  /** As `getex`, with the value's bytes. */
  getexBuffer(key: Key, ...options: GetexOption[]): Result<Buffer | null, C> {
    return this.sendKeyed(GETEX | AS_BUFFERS, key, options);
  }

  /**
   * The bytes from `start` to `end` inclusive of a value; negative positions count from its end.
   */
  getrange(...args: [key: Key, start: Integer, end: Integer]): Result<string, C> {
    return this.send(GETRANGE, args);
  }

  /** As `getrange`, with the bytes themselves. */
  getrangeBuffer(...args: [key: Key, start: Integer, end: Integer]): Result<Buffer, C> {
    return this.send(GETRANGE | AS_BUFFERS, args);
  }

  /** Sets a value and answers the old one. Deprecated by Redis in favour of `set` with GET. */
  getset(key: Key, value: Arg): Result<string | null, C> {
    return arguments.length > 2
      ? this.sendGiven(GETSET, arguments)
      : this.send2(GETSET, key, value);
  }

  /** As `getset`, with the old value's bytes. */
  getsetBuffer(key: Key, value: Arg): Result<Buffer | null, C> {
    return arguments.length > 2
      ? this.sendGiven(GETSET | AS_BUFFERS, arguments)
      : this.send2(GETSET | AS_BUFFERS, key, value);
  }

  /** Increments by one; a missing key counts as 0. The new number. */
  incr(key: Key): Result<Int64, C> {
    return arguments.length > 1 ? this.sendGiven(INCR, arguments) : this.send1(INCR, key);
  }

  /** Increments by a whole number. The new number. */
  incrby(key: Key, increment: Integer): Result<Int64, C> {
    return arguments.length > 2
      ? this.sendGiven(INCRBY, arguments)
      : this.send2(INCRBY, key, increment);
  }

  /** Increments by a decimal number. The new number as text, so that no digit is lost. */
  incrbyfloat(key: Key, increment: Decimal): Result<string, C> {
    return arguments.length > 2
      ? this.sendGiven(INCRBYFLOAT, arguments)
      : this.send2(INCRBYFLOAT, key, increment);
  }

  /**
   * The longest common subsequence of two values; with LEN its length, with IDX the matching
   * ranges. Since Redis 7.0.
   */
  lcs<const O extends readonly LcsOption[]>(
    key1: Key,
    key2: Key,
    ...options: O
  ): Result<LcsReply<O, string>, C> {
    return this.sendPair(LCS, key1, key2, options);
  }

  /** As `lcs`, with the subsequence's bytes. */
  lcsBuffer<const O extends readonly LcsOption[]>(
    key1: Key,
    key2: Key,
    ...options: O
  ): Result<LcsReply<O, Buffer>, C> {
    return this.sendPair(LCS | AS_BUFFERS, key1, key2, options);
  }

  /** The values of several keys, in their order; null where there is none or it is no string. */
  mget(...keys: Key[]): Result<(string | null)[], C>;
  mget(keys: readonly Key[]): Result<(string | null)[], C>;
  mget(first: Key | readonly Key[], ...rest: Key[]): Result<(string | null)[], C> {
    return this.sendList(MGET, first, rest);
  }

  /** As `mget`, with the values' bytes. */
  mgetBuffer(...keys: Key[]): Result<(Buffer | null)[], C>;
  mgetBuffer(keys: readonly Key[]): Result<(Buffer | null)[], C>;
  mgetBuffer(first: Key | readonly Key[], ...rest: Key[]): Result<(Buffer | null)[], C> {
    return this.sendList(MGET | AS_BUFFERS, first, rest);
  }

  /** Sets several keys at once: from a Map, from a record, or from keys and values in turn. */
  mset(values: ReadonlyMap<Arg, Arg>): Result<'OK', C>;
  mset<T extends Record<keyof T, Arg>>(values: T): Result<'OK', C>;
  mset(...keysAndValues: Arg[]): Result<'OK', C>;
  mset(...data: unknown[]): Result<'OK', C> {
    return this.sendEntries(MSET, data);
  }

  /** As `mset`, but sets all (1) or, where any of the keys exists, none (0). */
  msetnx(values: ReadonlyMap<Arg, Arg>): Result<number, C>;
  msetnx<T extends Record<keyof T, Arg>>(values: T): Result<number, C>;
  msetnx(...keysAndValues: Arg[]): Result<number, C>;
  msetnx(...data: unknown[]): Result<number, C> {
    return this.sendEntries(MSETNX, data);
  }

  /** Sets a value that expires after so many milliseconds. */
  psetex(...args: [key: Key, milliseconds: Integer, value: Arg]): Result<'OK', C> {
    return this.send(PSETEX, args);
  }

  /**
   * Sets a value. Options as in Redis: an expiry (EX in s, PX in ms, EXAT, PXAT, KEEPTTL), a
   * condition (NX, XX), and GET for the old value in place of 'OK'; GET with NX since Redis 7.0.
   */
  set<const O extends readonly SetOption[]>(
    key: Key,
    value: Arg,
    ...options: O
  ): Result<SetReply<O, string>, C> {
    return this.sendPair(SET, key, value, options);
  }

  /** As `set`, with the old value's bytes where GET is among the options. */
  setBuffer<const O extends readonly SetOption[]>(
    key: Key,
    value: Arg,
    ...options: O
  ): Result<SetReply<O, Buffer>, C> {
    return this.sendPair(SET | AS_BUFFERS, key, value, options);
  }

  /** Sets a value that expires after so many seconds. */
  setex(...args: [key: Key, seconds: Integer, value: Arg]): Result<'OK', C> {
    return this.send(SETEX, args);
  }

  /** Sets a value where there is none: 1 if it was set. */
  setnx(key: Key, value: Arg): Result<number, C> {
    return arguments.length > 2 ? this.sendGiven(SETNX, arguments) : this.send2(SETNX, key, value);
  }

  /**
   * Overwrites part of a value from the byte at `offset` on, zero-padded. The new length in bytes.
   */
  setrange(...args: [key: Key, offset: Integer, value: Arg]): Result<number, C> {
    return this.send(SETRANGE, args);
  }

  /** The length of a value in bytes; 0 where there is none. */
  strlen(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(STRLEN, arguments) : this.send1(STRLEN, key);
  }

  /** The old name of `getrange`, deprecated by Redis. */
  substr(...args: [key: Key, start: Integer, end: Integer]): Result<string, C> {
    return this.send(SUBSTR, args);
  }
}
