// Commands on ranges of a sorted set: by rank, by score, by member.

import { flattenPairs } from '../replies.js';
import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { SortedSetCommands } from './sorted-sets.js';
import type { Decimal, Integer } from './variadic-sender.js';

const ZCOUNT = define('ZCOUNT');
const ZLEXCOUNT = define('ZLEXCOUNT');
const ZRANGE = define('ZRANGE', flattenPairs);
const ZRANGEBYLEX = define('ZRANGEBYLEX');
const ZRANGEBYSCORE = define('ZRANGEBYSCORE', flattenPairs);
const ZRANGESTORE = define('ZRANGESTORE');
const ZRANK = define('ZRANK');
const ZREMRANGEBYLEX = define('ZREMRANGEBYLEX');
const ZREMRANGEBYRANK = define('ZREMRANGEBYRANK');
const ZREMRANGEBYSCORE = define('ZREMRANGEBYSCORE');
const ZREVRANGE = define('ZREVRANGE', flattenPairs);
const ZREVRANGEBYLEX = define('ZREVRANGEBYLEX');
const ZREVRANGEBYSCORE = define('ZREVRANGEBYSCORE', flattenPairs);
const ZREVRANK = define('ZREVRANK');

/**
 * Commands on ranges of a sorted set. Bounds are inclusive: ranks, of which the negative ones count
 * from the end; scores, exclusive as '(1', or '-inf' and '+inf'; members as '[a' or '(a', or '-'
 * and '+'.
 */
export abstract class SortedSetRangeCommands<C extends Context> extends SortedSetCommands<C> {
  /** How many members have a score between two. */
  zcount(...args: [key: Key, min: Decimal, max: Decimal]): Result<number, C> {
    return this.send(ZCOUNT, args);
  }

  /** How many members are between two, where all have the same score. */
  zlexcount(...args: [key: Key, min: Key, max: Key]): Result<number, C> {
    return this.send(ZLEXCOUNT, args);
  }

  /**
   * The members of a range, by rank unless an option says otherwise: BYSCORE, BYLEX, REV and LIMIT
   * offset count (all since Redis 6.2). With WITHSCORES, members and scores in turn.
   */
  zrange(key: Key, start: Arg, stop: Arg, ...options: Arg[]): Result<string[], C> {
    return this.send(ZRANGE, [key, start, stop, ...options]);
  }

  /** As `zrange`, with the bytes. */
  zrangeBuffer(key: Key, start: Arg, stop: Arg, ...options: Arg[]): Result<Buffer[], C> {
    return this.send(ZRANGE | AS_BUFFERS, [key, start, stop, ...options]);
  }

  /** The members between two, where all have the same score. Option: LIMIT offset count. */
  zrangebylex(key: Key, min: Key, max: Key, ...options: Arg[]): Result<string[], C> {
    return this.send(ZRANGEBYLEX, [key, min, max, ...options]);
  }

  /** As `zrangebylex`, with the bytes. */
  zrangebylexBuffer(key: Key, min: Key, max: Key, ...options: Arg[]): Result<Buffer[], C> {
    return this.send(ZRANGEBYLEX | AS_BUFFERS, [key, min, max, ...options]);
  }

  /** The members with a score between two. Options: WITHSCORES, LIMIT offset count. */
  zrangebyscore(key: Key, min: Decimal, max: Decimal, ...options: Arg[]): Result<string[], C> {
    return this.send(ZRANGEBYSCORE, [key, min, max, ...options]);
  }

  /** As `zrangebyscore`, with the bytes. */
  zrangebyscoreBuffer(
    key: Key,
    min: Decimal,
    max: Decimal,
    ...options: Arg[]
  ): Result<Buffer[], C> {
    return this.send(ZRANGEBYSCORE | AS_BUFFERS, [key, min, max, ...options]);
  }

  /** Stores what `zrange` would answer. Its number of members. Since Redis 6.2. */
  zrangestore(
    destination: Key,
    source: Key,
    start: Arg,
    stop: Arg,
    ...options: Arg[]
  ): Result<number, C> {
    return this.send(ZRANGESTORE, [destination, source, start, stop, ...options]);
  }

  /** The rank of a member, counted from the lowest score, from 0; null where there is none. */
  zrank(key: Key, member: Arg): Result<number | null, C> {
    return arguments.length > 2 ? this.sendGiven(ZRANK, arguments) : this.send2(ZRANK, key, member);
  }

  /** Removes the members between two, where all have the same score. How many were removed. */
  zremrangebylex(...args: [key: Key, min: Key, max: Key]): Result<number, C> {
    return this.send(ZREMRANGEBYLEX, args);
  }

  /** Removes the members between two ranks. How many were removed. */
  zremrangebyrank(...args: [key: Key, start: Integer, stop: Integer]): Result<number, C> {
    return this.send(ZREMRANGEBYRANK, args);
  }

  /** Removes the members with a score between two. How many were removed. */
  zremrangebyscore(...args: [key: Key, min: Decimal, max: Decimal]): Result<number, C> {
    return this.send(ZREMRANGEBYSCORE, args);
  }

  /** The members between two ranks, counted from the highest score. Option: WITHSCORES. */
  zrevrange(
    key: Key,
    start: Integer,
    stop: Integer,
    ...withScores: [] | ['WITHSCORES']
  ): Result<string[], C> {
    return this.send(ZREVRANGE, [key, start, stop, ...withScores]);
  }

  /** As `zrevrange`, with the bytes. */
  zrevrangeBuffer(
    key: Key,
    start: Integer,
    stop: Integer,
    ...withScores: [] | ['WITHSCORES']
  ): Result<Buffer[], C> {
    return this.send(ZREVRANGE | AS_BUFFERS, [key, start, stop, ...withScores]);
  }

  /** As `zrangebylex`, from the highest down; the upper bound comes first. */
  zrevrangebylex(key: Key, max: Key, min: Key, ...options: Arg[]): Result<string[], C> {
    return this.send(ZREVRANGEBYLEX, [key, max, min, ...options]);
  }

  /** As `zrevrangebylex`, with the bytes. */
  zrevrangebylexBuffer(key: Key, max: Key, min: Key, ...options: Arg[]): Result<Buffer[], C> {
    return this.send(ZREVRANGEBYLEX | AS_BUFFERS, [key, max, min, ...options]);
  }

  /** As `zrangebyscore`, from the highest down; the upper bound comes first. */
  zrevrangebyscore(key: Key, max: Decimal, min: Decimal, ...options: Arg[]): Result<string[], C> {
    return this.send(ZREVRANGEBYSCORE, [key, max, min, ...options]);
  }

  /** As `zrevrangebyscore`, with the bytes. */
  zrevrangebyscoreBuffer(
    key: Key,
    max: Decimal,
    min: Decimal,
    ...options: Arg[]
  ): Result<Buffer[], C> {
    return this.send(ZREVRANGEBYSCORE | AS_BUFFERS, [key, max, min, ...options]);
  }

  /** The rank of a member, counted from the highest score, from 0; null where there is none. */
  zrevrank(key: Key, member: Arg): Result<number | null, C> {
    return arguments.length > 2
      ? this.sendGiven(ZREVRANK, arguments)
      : this.send2(ZREVRANK, key, member);
  }
}
