// Commands on lists, those that wait for an element included.

import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { HashCommands } from './hashes.js';
import type { Decimal, Integer } from './variadic-sender.js';

const BLMOVE = define('BLMOVE');
const BLMPOP = define('BLMPOP');
const BLPOP = define('BLPOP');
const BRPOP = define('BRPOP');
const BRPOPLPUSH = define('BRPOPLPUSH');
const LINDEX = define('LINDEX');
const LINSERT = define('LINSERT');
const LLEN = define('LLEN');
const LMOVE = define('LMOVE');
const LMPOP = define('LMPOP');
const LPOP = define('LPOP');
const LPOS = define('LPOS');
const LPUSH = define('LPUSH');
const LPUSHX = define('LPUSHX');
const LRANGE = define('LRANGE');
const LREM = define('LREM');
const LSET = define('LSET');
const LTRIM = define('LTRIM');
const RPOP = define('RPOP');
const RPOPLPUSH = define('RPOPLPUSH');
const RPUSH = define('RPUSH');
const RPUSHX = define('RPUSHX');

/** An end of a list. */
export type End = 'LEFT' | 'RIGHT';

/** An option of `lpos`, or the number that follows one. */
export type LposOption = 'RANK' | 'COUNT' | 'MAXLEN' | number | bigint | `${number}`;

/** What `lpos` answers: one position or null, with COUNT a list of them. */
export type LposReply<O extends readonly LposOption[]> = 'COUNT' extends O[number]
  ? number[]
  : number | null;

/** A list and what was popped from it; null where all lists are empty. */
type Popped<Value> = [key: Value, elements: Value[]] | null;

/** A list and the element that it gave; null where the time ran out. */
type Waited<Value> = [key: Value, element: Value] | null;

/** Keys, or a list of keys, and a timeout in seconds, where 0 is for ever. */
type KeysAndTimeout = [...keys: Key[], timeout: Decimal] | [keys: readonly Key[], timeout: Decimal];

/** Keys and options, where the keys may be a list. */
type KeysAndOptions = Arg[] | [keys: readonly Key[], ...options: Arg[]];

/** Commands on lists. */
export abstract class ListCommands<C extends Context> extends HashCommands<C> {
  /**
   * As `lmove`, but waits for an element, `timeout` seconds at most, where 0 is for ever. Since
   * Redis 6.2.
   */
  blmove(
    ...args: [source: Key, destination: Key, from: End, to: End, timeout: Decimal]
  ): Result<string | null, C> {
    return this.send(BLMOVE, args);
  }

  /** As `blmove`, with the element's bytes. */
  blmoveBuffer(
    ...args: [source: Key, destination: Key, from: End, to: End, timeout: Decimal]
  ): Result<Buffer | null, C> {
    return this.send(BLMOVE | AS_BUFFERS, args);
  }

  /**
   * As `lmpop`, but waits for an element, `timeout` seconds at most, where 0 is for ever. Since
   * Redis 7.0.
   */
  blmpop(timeout: Decimal, numkeys: Integer, ...args: KeysAndOptions): Result<Popped<string>, C> {
    return this.sendListAt(BLMPOP, [timeout, numkeys, ...args], 2);
  }

  /** As `blmpop`, with the bytes. */
  blmpopBuffer(
    timeout: Decimal,
    numkeys: Integer,
    ...args: KeysAndOptions
  ): Result<Popped<Buffer>, C> {
    return this.sendListAt(BLMPOP | AS_BUFFERS, [timeout, numkeys, ...args], 2);
  }

  /**
   * Pops the first element of the first list that has one, waiting `timeout` seconds at most, where
   * 0 is for ever.
   */
  blpop(...keysAndTimeout: KeysAndTimeout): Result<Waited<string>, C> {
    return this.sendListAt(BLPOP, keysAndTimeout, 0);
  }

  /** As `blpop`, with the bytes. */
  blpopBuffer(...keysAndTimeout: KeysAndTimeout): Result<Waited<Buffer>, C> {
    return this.sendListAt(BLPOP | AS_BUFFERS, keysAndTimeout, 0);
  }

  /**
   * Pops the last element of the first list that has one, waiting `timeout` seconds at most, where
   * 0 is for ever.
   */
  brpop(...keysAndTimeout: KeysAndTimeout): Result<Waited<string>, C> {
    return this.sendListAt(BRPOP, keysAndTimeout, 0);
  }

  /** As `brpop`, with the bytes. */
  brpopBuffer(...keysAndTimeout: KeysAndTimeout): Result<Waited<Buffer>, C> {
    return this.sendListAt(BRPOP | AS_BUFFERS, keysAndTimeout, 0);
  }

  /**
   * As `rpoplpush`, but waits, `timeout` seconds at most, where 0 is for ever. Deprecated by Redis
   * for `blmove`.
   */
  brpoplpush(...args: [source: Key, destination: Key, timeout: Decimal]): Result<string | null, C> {
    return this.send(BRPOPLPUSH, args);
  }

  /** As `brpoplpush`, with the element's bytes. */
  brpoplpushBuffer(
    ...args: [source: Key, destination: Key, timeout: Decimal]
  ): Result<Buffer | null, C> {
    return this.send(BRPOPLPUSH | AS_BUFFERS, args);
  }

  /**
   * The element at a position, which counts from the end where negative; null where there is none.
   */
  lindex(key: Key, index: Integer): Result<string | null, C> {
    return arguments.length > 2
      ? this.sendGiven(LINDEX, arguments)
      : this.send2(LINDEX, key, index);
  }

  /** As `lindex`, with the element's bytes. */
  lindexBuffer(key: Key, index: Integer): Result<Buffer | null, C> {
    return arguments.length > 2
      ? this.sendGiven(LINDEX | AS_BUFFERS, arguments)
      : this.send2(LINDEX | AS_BUFFERS, key, index);
  }

  /**
   * Inserts next to the first element equal to `pivot`. The new length; -1 without such an element,
   * 0 without a list.
   */
  linsert(
    ...args: [key: Key, where: 'BEFORE' | 'AFTER', pivot: Arg, element: Arg]
  ): Result<number, C> {
    return this.send(LINSERT, args);
  }

  /** The length of a list; 0 where there is none. */
  llen(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(LLEN, arguments) : this.send1(LLEN, key);
  }

  /**
   * Moves an element from an end of one list to an end of another: the element, or null. Since
   * Redis 6.2.
   */
  lmove(...args: [source: Key, destination: Key, from: End, to: End]): Result<string | null, C> {
    return this.send(LMOVE, args);
  }

  /** As `lmove`, with the element's bytes. */
  lmoveBuffer(
    ...args: [source: Key, destination: Key, from: End, to: End]
  ): Result<Buffer | null, C> {
    return this.send(LMOVE | AS_BUFFERS, args);
  }

  /**
   * Pops from LEFT or RIGHT of the first of `numkeys` lists that has elements, COUNT of them. Since
   * Redis 7.0.
   */
  lmpop(numkeys: Integer, ...args: KeysAndOptions): Result<Popped<string>, C> {
    return this.sendListAt(LMPOP, [numkeys, ...args], 1);
  }

  /** As `lmpop`, with the bytes. */
  lmpopBuffer(numkeys: Integer, ...args: KeysAndOptions): Result<Popped<Buffer>, C> {
    return this.sendListAt(LMPOP | AS_BUFFERS, [numkeys, ...args], 1);
  }

  /**
   * Pops the first element, null where there is none. With a count (since Redis 6.2), up to so
   * many.
   */
  lpop(key: Key): Result<string | null, C>;
  lpop(key: Key, count: Integer): Result<string[] | null, C>;
  lpop(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(LPOP, key, count);
  }

  /** As `lpop`, with the bytes. */
  lpopBuffer(key: Key): Result<Buffer | null, C>;
  lpopBuffer(key: Key, count: Integer): Result<Buffer[] | null, C>;
  lpopBuffer(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(LPOP | AS_BUFFERS, key, count);
  }

  /**
   * The position of an element; with COUNT the positions of so many, where 0 is all. RANK and
   * MAXLEN steer the search.
   */
  lpos<const O extends readonly LposOption[]>(
    key: Key,
    element: Arg,
    ...options: O
  ): Result<LposReply<O>, C> {
    return this.sendPair(LPOS, key, element, options);
  }

  /** Puts elements, one after the other, before the first. The new length. */
  lpush(key: Key, ...elements: Arg[]): Result<number, C>;
  lpush(key: Key, elements: readonly Arg[]): Result<number, C>;
  lpush(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(LPUSH, key, first, rest);
  }

  /** As `lpush`, but only where the list exists; otherwise 0. */
  lpushx(key: Key, ...elements: Arg[]): Result<number, C>;
  lpushx(key: Key, elements: readonly Arg[]): Result<number, C>;
  lpushx(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(LPUSHX, key, first, rest);
  }

  /** The elements from `start` to `stop` inclusive; negative positions count from the end. */
  lrange(...args: [key: Key, start: Integer, stop: Integer]): Result<string[], C> {
    return this.send(LRANGE, args);
  }

  /** As `lrange`, with the elements' bytes. */
  lrangeBuffer(...args: [key: Key, start: Integer, stop: Integer]): Result<Buffer[], C> {
    return this.send(LRANGE | AS_BUFFERS, args);
  }

  /**
   * Removes `count` elements equal to this one, from the end where negative, all where 0. How many
   * were removed.
   */
  lrem(...args: [key: Key, count: Integer, element: Arg]): Result<number, C> {
    return this.send(LREM, args);
  }

  /** Replaces the element at a position. Fails where there is none. */
  lset(...args: [key: Key, index: Integer, element: Arg]): Result<'OK', C> {
    return this.send(LSET, args);
  }

  /** Keeps only the elements from `start` to `stop` inclusive. */
  ltrim(...args: [key: Key, start: Integer, stop: Integer]): Result<'OK', C> {
    return this.send(LTRIM, args);
  }

  /**
   * Pops the last element, null where there is none. With a count (since Redis 6.2), up to so many.
   */
  rpop(key: Key): Result<string | null, C>;
  rpop(key: Key, count: Integer): Result<string[] | null, C>;
  rpop(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(RPOP, key, count);
  }

  /** As `rpop`, with the bytes. */
  rpopBuffer(key: Key): Result<Buffer | null, C>;
  rpopBuffer(key: Key, count: Integer): Result<Buffer[] | null, C>;
  rpopBuffer(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(RPOP | AS_BUFFERS, key, count);
  }

  /**
   * Moves the last element of one list before the first of another. Deprecated by Redis for
   * `lmove`.
   */
  rpoplpush(source: Key, destination: Key): Result<string | null, C> {
    return arguments.length > 2
      ? this.sendGiven(RPOPLPUSH, arguments)
      : this.send2(RPOPLPUSH, source, destination);
  }

  /** As `rpoplpush`, with the element's bytes. */
  rpoplpushBuffer(source: Key, destination: Key): Result<Buffer | null, C> {
    return arguments.length > 2
      ? this.sendGiven(RPOPLPUSH | AS_BUFFERS, arguments)
      : this.send2(RPOPLPUSH | AS_BUFFERS, source, destination);
  }

  /** Puts elements after the last. The new length. */
  rpush(key: Key, ...elements: Arg[]): Result<number, C>;
  rpush(key: Key, elements: readonly Arg[]): Result<number, C>;
  rpush(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(RPUSH, key, first, rest);
  }

  /** As `rpush`, but only where the list exists; otherwise 0. */
  rpushx(key: Key, ...elements: Arg[]): Result<number, C>;
  rpushx(key: Key, elements: readonly Arg[]): Result<number, C>;
  rpushx(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(RPUSHX, key, first, rest);
  }
}
