// Commands on hashes.

import { flattenPairs, recordOf } from '../replies.js';
import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { StringCommands } from './strings.js';
import type { Decimal, Int64, Integer } from './variadic-sender.js';

const HDEL = define('HDEL');
const HEXISTS = define('HEXISTS');
const HGET = define('HGET');
const HGETALL = define('HGETALL', recordOf);
const HINCRBY = define('HINCRBY');
const HINCRBYFLOAT = define('HINCRBYFLOAT');
const HKEYS = define('HKEYS');
const HLEN = define('HLEN');
const HMGET = define('HMGET');
const HMSET = define('HMSET');
const HRANDFIELD = define('HRANDFIELD', flattenPairs);
const HSCAN = define('HSCAN');
const HSET = define('HSET');
const HSETNX = define('HSETNX');
const HSTRLEN = define('HSTRLEN');
const HVALS = define('HVALS');

/** Commands on hashes. */
export abstract class HashCommands<C extends Context> extends StringCommands<C> {
  /** Deletes fields. How many of them existed. */
  hdel(key: Key, ...fields: Arg[]): Result<number, C>;
  hdel(key: Key, fields: readonly Arg[]): Result<number, C>;
  hdel(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(HDEL, key, first, rest);
  }

  /** 1 if the hash has the field, else 0. */
  hexists(key: Key, field: Arg): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(HEXISTS, arguments)
      : this.send2(HEXISTS, key, field);
  }

  /** The value of a field; null where there is none. */
  hget(key: Key, field: Arg): Result<string | null, C> {
    return arguments.length > 2 ? this.sendGiven(HGET, arguments) : this.send2(HGET, key, field);
  }

  /** As `hget`, with the value's bytes. */
  hgetBuffer(key: Key, field: Arg): Result<Buffer | null, C> {
    return arguments.length > 2
      ? this.sendGiven(HGET | AS_BUFFERS, arguments)
      : this.send2(HGET | AS_BUFFERS, key, field);
  }

  /**
   * The whole hash as a record, which is empty where there is no such key. In names and values alike, what is no UTF-8 becomes
   * U+FFFD. Names that differ and would become the same reject with `ERR_SIDELOOP_REDIS_FIELD_NAMES`; the bytes of
   * names are in `hkeysBuffer` with `hmgetBuffer`, and in pages by `callBuffer('HSCAN', key, cursor)`.
   */
  hgetall(key: Key): Result<Record<string, string>, C> {
    return arguments.length > 1 ? this.sendGiven(HGETALL, arguments) : this.send1(HGETALL, key);
  }

  /** As `hgetall`, with the values' bytes. Field names are strings all the same: `hkeysBuffer` has their bytes. */
  hgetallBuffer(key: Key): Result<Record<string, Buffer>, C> {
    return arguments.length > 1
      ? this.sendGiven(HGETALL | AS_BUFFERS, arguments)
      : this.send1(HGETALL | AS_BUFFERS, key);
  }

  /** Increments a field by a whole number; a missing one counts as 0. The new number. */
  hincrby(...args: [key: Key, field: Arg, increment: Integer]): Result<Int64, C> {
    return this.send(HINCRBY, args);
  }

  /** Increments a field by a decimal number. The new number as text, so that no digit is lost. */
  hincrbyfloat(...args: [key: Key, field: Arg, increment: Decimal]): Result<string, C> {
    return this.send(HINCRBYFLOAT, args);
  }

  /** The names of all fields. */
  hkeys(key: Key): Result<string[], C> {
    return arguments.length > 1 ? this.sendGiven(HKEYS, arguments) : this.send1(HKEYS, key);
  }

  /** As `hkeys`, with the names' bytes. */
  hkeysBuffer(key: Key): Result<Buffer[], C> {
    return arguments.length > 1
      ? this.sendGiven(HKEYS | AS_BUFFERS, arguments)
      : this.send1(HKEYS | AS_BUFFERS, key);
  }

  /** The number of fields. */
  hlen(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(HLEN, arguments) : this.send1(HLEN, key);
  }

  /** The values of several fields, in their order; null where there is none. */
  hmget(key: Key, ...fields: Arg[]): Result<(string | null)[], C>;
  hmget(key: Key, fields: readonly Arg[]): Result<(string | null)[], C>;
  hmget(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<(string | null)[], C> {
    return this.sendKeyedList(HMGET, key, first, rest);
  }

  /** As `hmget`, with the values' bytes. */
  hmgetBuffer(key: Key, ...fields: Arg[]): Result<(Buffer | null)[], C>;
  hmgetBuffer(key: Key, fields: readonly Arg[]): Result<(Buffer | null)[], C>;
  hmgetBuffer(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<(Buffer | null)[], C> {
    return this.sendKeyedList(HMGET | AS_BUFFERS, key, first, rest);
  }

  /** As `hset`, but answers 'OK'. Deprecated by Redis in favour of `hset`. */
  hmset(key: Key, values: ReadonlyMap<Arg, Arg>): Result<'OK', C>;
  hmset<T extends Record<keyof T, Arg>>(key: Key, values: T): Result<'OK', C>;
  hmset(key: Key, ...fieldsAndValues: Arg[]): Result<'OK', C>;
  hmset(key: Key, ...data: unknown[]): Result<'OK', C> {
    return this.sendKeyedEntries(HMSET, key, data);
  }

  /**
   * The name of some field, null where there is none. With a count, several names, and with
   * WITHVALUES the values too, in turn; a negative count may repeat them. Since Redis 6.2.
   */
  hrandfield(key: Key): Result<string | null, C>;
  hrandfield(key: Key, count: Integer, ...withValues: [] | ['WITHVALUES']): Result<string[], C>;
  hrandfield(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(HRANDFIELD, key, options);
  }

  /** As `hrandfield`, with the bytes. */
  hrandfieldBuffer(key: Key): Result<Buffer | null, C>;
  hrandfieldBuffer(
    key: Key,
    count: Integer,
    ...withValues: [] | ['WITHVALUES']
  ): Result<Buffer[], C>;
  hrandfieldBuffer(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(HRANDFIELD | AS_BUFFERS, key, options);
  }

  /**
   * One step over a hash: the next cursor, '0' at the end, and fields and values in turn. Options:
   * MATCH, COUNT.
   */
  hscan(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: string, fieldsAndValues: string[]], C> {
    return this.sendPair(HSCAN, key, cursor, options);
  }

  /** As `hscan`, with the bytes, the cursor's too. */
  hscanBuffer(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: Buffer, fieldsAndValues: Buffer[]], C> {
    return this.sendPair(HSCAN | AS_BUFFERS, key, cursor, options);
  }

  /**
   * Sets fields: from a Map, from a record, or from fields and values in turn. How many are new.
   */
  hset(key: Key, values: ReadonlyMap<Arg, Arg>): Result<number, C>;
  hset<T extends Record<keyof T, Arg>>(key: Key, values: T): Result<number, C>;
  hset(key: Key, ...fieldsAndValues: Arg[]): Result<number, C>;
  hset(key: Key, ...data: unknown[]): Result<number, C> {
    return this.sendKeyedEntries(HSET, key, data);
  }

  /** Sets a field where there is none: 1 if it was set. */
  hsetnx(...args: [key: Key, field: Arg, value: Arg]): Result<number, C> {
    return this.send(HSETNX, args);
  }

  /** The length of a field's value in bytes; 0 where there is none. */
  hstrlen(key: Key, field: Arg): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(HSTRLEN, arguments)
      : this.send2(HSTRLEN, key, field);
  }

  /** The values of all fields. */
  hvals(key: Key): Result<string[], C> {
    return arguments.length > 1 ? this.sendGiven(HVALS, arguments) : this.send1(HVALS, key);
  }

  /** As `hvals`, with the values' bytes. */
  hvalsBuffer(key: Key): Result<Buffer[], C> {
    return arguments.length > 1
      ? this.sendGiven(HVALS | AS_BUFFERS, arguments)
      : this.send1(HVALS | AS_BUFFERS, key);
  }
}
