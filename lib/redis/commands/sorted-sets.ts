// Commands on sorted sets: members, scores, pops and set algebra. Ranges have a file of their own.

import { flattenPairs } from '../replies.js';
import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { SetCommands } from './sets.js';
import type { Decimal, Integer } from './variadic-sender.js';

const BZMPOP = define('BZMPOP');
const BZPOPMAX = define('BZPOPMAX');
const BZPOPMIN = define('BZPOPMIN');
const ZADD = define('ZADD');
const ZCARD = define('ZCARD');
const ZDIFF = define('ZDIFF', flattenPairs);
const ZDIFFSTORE = define('ZDIFFSTORE');
const ZINCRBY = define('ZINCRBY');
const ZINTER = define('ZINTER', flattenPairs);
const ZINTERCARD = define('ZINTERCARD');
const ZINTERSTORE = define('ZINTERSTORE');
const ZMPOP = define('ZMPOP');
const ZMSCORE = define('ZMSCORE');
const ZPOPMAX = define('ZPOPMAX', flattenPairs);
const ZPOPMIN = define('ZPOPMIN', flattenPairs);
const ZRANDMEMBER = define('ZRANDMEMBER', flattenPairs);
const ZREM = define('ZREM');
const ZSCAN = define('ZSCAN');
const ZSCORE = define('ZSCORE');
const ZUNION = define('ZUNION', flattenPairs);
const ZUNIONSTORE = define('ZUNIONSTORE');

/** An option of `zadd`, apart from INCR. */
export type ZaddFlag = 'NX' | 'XX' | 'GT' | 'LT' | 'CH';

/** A sorted set and what was popped from it; null where all are empty. */
type Popped<Value> = [key: Value, membersAndScores: [member: Value, score: Value][]] | null;

/** A sorted set, the member that it gave, and its score; null where the time ran out. */
type Waited<Value> = [key: Value, member: Value, score: Value] | null;

/** Keys, or a list of keys, and a timeout in seconds, where 0 is for ever. */
type KeysAndTimeout = [...keys: Key[], timeout: Decimal] | [keys: readonly Key[], timeout: Decimal];

/** Keys and options, where the keys may be a list. */
type KeysAndOptions = Arg[] | [keys: readonly Key[], ...options: Arg[]];

/** Commands on sorted sets. Scores are answered as text, so that no digit is lost. */
export abstract class SortedSetCommands<C extends Context> extends SetCommands<C> {
  /**
   * As `zmpop`, but waits for a member, `timeout` seconds at most, where 0 is for ever. Since Redis
   * 7.0.
   */
  bzmpop(timeout: Decimal, numkeys: Integer, ...args: KeysAndOptions): Result<Popped<string>, C> {
    return this.sendListAt(BZMPOP, [timeout, numkeys, ...args], 2);
  }

  /** As `bzmpop`, with the bytes. */
  bzmpopBuffer(
    timeout: Decimal,
    numkeys: Integer,
    ...args: KeysAndOptions
  ): Result<Popped<Buffer>, C> {
    return this.sendListAt(BZMPOP | AS_BUFFERS, [timeout, numkeys, ...args], 2);
  }

  /**
   * Pops the highest member of the first set that has one, waiting `timeout` seconds at most, where
   * 0 is for ever.
   */
  bzpopmax(...keysAndTimeout: KeysAndTimeout): Result<Waited<string>, C> {
    return this.sendListAt(BZPOPMAX, keysAndTimeout, 0);
  }

  /** As `bzpopmax`, with the bytes. */
  bzpopmaxBuffer(...keysAndTimeout: KeysAndTimeout): Result<Waited<Buffer>, C> {
    return this.sendListAt(BZPOPMAX | AS_BUFFERS, keysAndTimeout, 0);
  }

  /**
   * Pops the lowest member of the first set that has one, waiting `timeout` seconds at most, where
   * 0 is for ever.
   */
  bzpopmin(...keysAndTimeout: KeysAndTimeout): Result<Waited<string>, C> {
    return this.sendListAt(BZPOPMIN, keysAndTimeout, 0);
  }

  /** As `bzpopmin`, with the bytes. */
  bzpopminBuffer(...keysAndTimeout: KeysAndTimeout): Result<Waited<Buffer>, C> {
    return this.sendListAt(BZPOPMIN | AS_BUFFERS, keysAndTimeout, 0);
  }

  /**
   * Adds members with their scores, in turn, the score first. How many are new, with CH how many
   * changed; NX, XX, GT and LT (the last two since Redis 6.2) are conditions. With INCR, adds to
   * one score: the new one, or null where a condition forbade it.
   */
  zadd(
    key: Key,
    ...args: [...flags: ZaddFlag[], incr: 'INCR', score: Decimal, member: Arg]
  ): Result<string | null, C>;
  zadd(key: Key, ...flagsScoresAndMembers: Arg[]): Result<number, C>;
  zadd(key: Key, ...args: Arg[]): Result<unknown, C> {
    return this.send(ZADD, [key, ...args]);
  }

  /** The number of members; 0 where there is no such set. */
  zcard(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(ZCARD, arguments) : this.send1(ZCARD, key);
  }

  /**
   * The members of the first of `numkeys` sets that are in none of the others; WITHSCORES too.
   * Since Redis 6.2.
   */
  zdiff(numkeys: Integer, ...args: KeysAndOptions): Result<string[], C> {
    return this.sendListAt(ZDIFF, [numkeys, ...args], 1);
  }

  /** As `zdiff`, with the bytes. */
  zdiffBuffer(numkeys: Integer, ...args: KeysAndOptions): Result<Buffer[], C> {
    return this.sendListAt(ZDIFF | AS_BUFFERS, [numkeys, ...args], 1);
  }

  /** Stores what `zdiff` would answer. Its number of members. Since Redis 6.2. */
  zdiffstore(destination: Key, numkeys: Integer, ...args: KeysAndOptions): Result<number, C> {
    return this.sendListAt(ZDIFFSTORE, [destination, numkeys, ...args], 2);
  }

  /** Adds to the score of a member; a missing one counts as 0. The new score. */
  zincrby(...args: [key: Key, increment: Decimal, member: Arg]): Result<string, C> {
    return this.send(ZINCRBY, args);
  }

  /**
   * The members that all of `numkeys` sets have. Options: WEIGHTS, AGGREGATE, WITHSCORES. Since
   * Redis 6.2.
   */
  zinter(numkeys: Integer, ...args: KeysAndOptions): Result<string[], C> {
    return this.sendListAt(ZINTER, [numkeys, ...args], 1);
  }

  /** As `zinter`, with the bytes. */
  zinterBuffer(numkeys: Integer, ...args: KeysAndOptions): Result<Buffer[], C> {
    return this.sendListAt(ZINTER | AS_BUFFERS, [numkeys, ...args], 1);
  }

  /** How many members `numkeys` sets have in common, counted up to LIMIT. Since Redis 7.0. */
  zintercard(numkeys: Integer, ...args: KeysAndOptions): Result<number, C> {
    return this.sendListAt(ZINTERCARD, [numkeys, ...args], 1);
  }

  /** Stores what `zinter` would answer. Its number of members. */
  zinterstore(destination: Key, numkeys: Integer, ...args: KeysAndOptions): Result<number, C> {
    return this.sendListAt(ZINTERSTORE, [destination, numkeys, ...args], 2);
  }

  /**
   * Pops MIN or MAX of the first of `numkeys` sets that has members, COUNT of them. Since Redis
   * 7.0.
   */
  zmpop(numkeys: Integer, ...args: KeysAndOptions): Result<Popped<string>, C> {
    return this.sendListAt(ZMPOP, [numkeys, ...args], 1);
  }

  /** As `zmpop`, with the bytes. */
  zmpopBuffer(numkeys: Integer, ...args: KeysAndOptions): Result<Popped<Buffer>, C> {
    return this.sendListAt(ZMPOP | AS_BUFFERS, [numkeys, ...args], 1);
  }

  /**
   * The scores of several members, in their order; null where there is no such member. Since Redis
   * 6.2.
   */
  zmscore(key: Key, ...members: Arg[]): Result<(string | null)[], C>;
  zmscore(key: Key, members: readonly Arg[]): Result<(string | null)[], C>;
  zmscore(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<(string | null)[], C> {
    return this.sendKeyedList(ZMSCORE, key, first, rest);
  }

  /** Pops the highest member, or so many: members and scores in turn. */
  zpopmax(key: Key, ...count: [] | [count: Integer]): Result<string[], C> {
    return this.sendKeyed(ZPOPMAX, key, count);
  }

  /** As `zpopmax`, with the bytes. */
  zpopmaxBuffer(key: Key, ...count: [] | [count: Integer]): Result<Buffer[], C> {
    return this.sendKeyed(ZPOPMAX | AS_BUFFERS, key, count);
  }

  /** Pops the lowest member, or so many: members and scores in turn. */
  zpopmin(key: Key, ...count: [] | [count: Integer]): Result<string[], C> {
    return this.sendKeyed(ZPOPMIN, key, count);
  }

  /** As `zpopmin`, with the bytes. */
  zpopminBuffer(key: Key, ...count: [] | [count: Integer]): Result<Buffer[], C> {
    return this.sendKeyed(ZPOPMIN | AS_BUFFERS, key, count);
  }

  /**
   * Some member, null where there is none. With a count, several, and WITHSCORES the scores too, in
   * turn; a negative count may repeat them. Since Redis 6.2.
   */
  zrandmember(key: Key): Result<string | null, C>;
  zrandmember(key: Key, count: Integer, ...withScores: [] | ['WITHSCORES']): Result<string[], C>;
  zrandmember(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(ZRANDMEMBER, key, options);
  }

  /** As `zrandmember`, with the bytes. */
  zrandmemberBuffer(key: Key): Result<Buffer | null, C>;
  zrandmemberBuffer(
    key: Key,
    count: Integer,
    ...withScores: [] | ['WITHSCORES']
  ): Result<Buffer[], C>;
  zrandmemberBuffer(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(ZRANDMEMBER | AS_BUFFERS, key, options);
  }

  /** Removes members. How many were there. */
  zrem(key: Key, ...members: Arg[]): Result<number, C>;
  zrem(key: Key, members: readonly Arg[]): Result<number, C>;
  zrem(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(ZREM, key, first, rest);
  }

  /**
   * One step over a sorted set: the next cursor, '0' at the end, and members and scores in turn.
   * Options: MATCH, COUNT.
   */
  zscan(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: string, membersAndScores: string[]], C> {
    return this.sendPair(ZSCAN, key, cursor, options);
  }

  /** As `zscan`, with the bytes, the cursor's too. */
  zscanBuffer(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: Buffer, membersAndScores: Buffer[]], C> {
    return this.sendPair(ZSCAN | AS_BUFFERS, key, cursor, options);
  }

  /** The score of a member; null where there is none. */
  zscore(key: Key, member: Arg): Result<string | null, C> {
    return arguments.length > 2
      ? this.sendGiven(ZSCORE, arguments)
      : this.send2(ZSCORE, key, member);
  }

  /**
   * The members that any of `numkeys` sets has. Options: WEIGHTS, AGGREGATE, WITHSCORES. Since
   * Redis 6.2.
   */
  zunion(numkeys: Integer, ...args: KeysAndOptions): Result<string[], C> {
    return this.sendListAt(ZUNION, [numkeys, ...args], 1);
  }

  /** As `zunion`, with the bytes. */
  zunionBuffer(numkeys: Integer, ...args: KeysAndOptions): Result<Buffer[], C> {
    return this.sendListAt(ZUNION | AS_BUFFERS, [numkeys, ...args], 1);
  }

  /** Stores what `zunion` would answer. Its number of members. */
  zunionstore(destination: Key, numkeys: Integer, ...args: KeysAndOptions): Result<number, C> {
    return this.sendListAt(ZUNIONSTORE, [destination, numkeys, ...args], 2);
  }
}
