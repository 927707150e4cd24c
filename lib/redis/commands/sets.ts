// Commands on sets.

import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { ListCommands } from './lists.js';
import type { Integer } from './variadic-sender.js';

const SADD = define('SADD');
const SCARD = define('SCARD');
const SDIFF = define('SDIFF');
const SDIFFSTORE = define('SDIFFSTORE');
const SINTER = define('SINTER');
const SINTERCARD = define('SINTERCARD');
const SINTERSTORE = define('SINTERSTORE');
const SISMEMBER = define('SISMEMBER');
const SMEMBERS = define('SMEMBERS');
const SMISMEMBER = define('SMISMEMBER');
const SMOVE = define('SMOVE');
const SPOP = define('SPOP');
const SRANDMEMBER = define('SRANDMEMBER');
const SREM = define('SREM');
const SSCAN = define('SSCAN');
const SUNION = define('SUNION');
const SUNIONSTORE = define('SUNIONSTORE');

/** Commands on sets. */
export abstract class SetCommands<C extends Context> extends ListCommands<C> {
  /** Adds members. How many are new. */
  sadd(key: Key, ...members: Arg[]): Result<number, C>;
  sadd(key: Key, members: readonly Arg[]): Result<number, C>;
  sadd(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(SADD, key, first, rest);
  }

  /** The number of members; 0 where there is no such set. */
  scard(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(SCARD, arguments) : this.send1(SCARD, key);
  }

  /** The members of the first set that are in none of the others. */
  sdiff(...keys: Key[]): Result<string[], C>;
  sdiff(keys: readonly Key[]): Result<string[], C>;
  sdiff(first: Key | readonly Key[], ...rest: Key[]): Result<string[], C> {
    return this.sendList(SDIFF, first, rest);
  }

  /** As `sdiff`, with the members' bytes. */
  sdiffBuffer(...keys: Key[]): Result<Buffer[], C>;
  sdiffBuffer(keys: readonly Key[]): Result<Buffer[], C>;
  sdiffBuffer(first: Key | readonly Key[], ...rest: Key[]): Result<Buffer[], C> {
    return this.sendList(SDIFF | AS_BUFFERS, first, rest);
  }

  /** Stores what `sdiff` would answer. Its number of members. */
  sdiffstore(destination: Key, ...keys: Key[]): Result<number, C>;
  sdiffstore(destination: Key, keys: readonly Key[]): Result<number, C>;
  sdiffstore(destination: Key, first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendKeyedList(SDIFFSTORE, destination, first, rest);
  }

  /** The members that all the sets have. */
  sinter(...keys: Key[]): Result<string[], C>;
  sinter(keys: readonly Key[]): Result<string[], C>;
  sinter(first: Key | readonly Key[], ...rest: Key[]): Result<string[], C> {
    return this.sendList(SINTER, first, rest);
  }

  /** As `sinter`, with the members' bytes. */
  sinterBuffer(...keys: Key[]): Result<Buffer[], C>;
  sinterBuffer(keys: readonly Key[]): Result<Buffer[], C>;
  sinterBuffer(first: Key | readonly Key[], ...rest: Key[]): Result<Buffer[], C> {
    return this.sendList(SINTER | AS_BUFFERS, first, rest);
  }

  /** How many members `numkeys` sets have in common, counted up to LIMIT. Since Redis 7.0. */
  sintercard(
    numkeys: Integer,
    ...args: Arg[] | [keys: readonly Key[], ...options: Arg[]]
  ): Result<number, C> {
    return this.sendListAt(SINTERCARD, [numkeys, ...args], 1);
  }

  /** Stores what `sinter` would answer. Its number of members. */
  sinterstore(destination: Key, ...keys: Key[]): Result<number, C>;
  sinterstore(destination: Key, keys: readonly Key[]): Result<number, C>;
  sinterstore(destination: Key, first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendKeyedList(SINTERSTORE, destination, first, rest);
  }

  /** 1 if the set has the member, else 0. */
  sismember(key: Key, member: Arg): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(SISMEMBER, arguments)
      : this.send2(SISMEMBER, key, member);
  }

  /** All members. */
  smembers(key: Key): Result<string[], C> {
    return arguments.length > 1 ? this.sendGiven(SMEMBERS, arguments) : this.send1(SMEMBERS, key);
  }

  /** As `smembers`, with the members' bytes. */
  smembersBuffer(key: Key): Result<Buffer[], C> {
    return arguments.length > 1
      ? this.sendGiven(SMEMBERS | AS_BUFFERS, arguments)
      : this.send1(SMEMBERS | AS_BUFFERS, key);
  }

  /** For each of the members, in their order, 1 if the set has it, else 0. Since Redis 6.2. */
  smismember(key: Key, ...members: Arg[]): Result<number[], C>;
  smismember(key: Key, members: readonly Arg[]): Result<number[], C>;
  smismember(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number[], C> {
    return this.sendKeyedList(SMISMEMBER, key, first, rest);
  }

  /** Moves a member to another set: 1 if it was there. */
  smove(...args: [source: Key, destination: Key, member: Arg]): Result<number, C> {
    return this.send(SMOVE, args);
  }

  /** Takes some member out, null where there is none. With a count, up to so many. */
  spop(key: Key): Result<string | null, C>;
  spop(key: Key, count: Integer): Result<string[], C>;
  spop(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(SPOP, key, count);
  }

  /** As `spop`, with the bytes. */
  spopBuffer(key: Key): Result<Buffer | null, C>;
  spopBuffer(key: Key, count: Integer): Result<Buffer[], C>;
  spopBuffer(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(SPOP | AS_BUFFERS, key, count);
  }

  /**
   * Some member, null where there is none. With a count, up to so many; a negative count may repeat
   * them.
   */
  srandmember(key: Key): Result<string | null, C>;
  srandmember(key: Key, count: Integer): Result<string[], C>;
  srandmember(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(SRANDMEMBER, key, count);
  }

  /** As `srandmember`, with the bytes. */
  srandmemberBuffer(key: Key): Result<Buffer | null, C>;
  srandmemberBuffer(key: Key, count: Integer): Result<Buffer[], C>;
  srandmemberBuffer(key: Key, ...count: Integer[]): Result<unknown, C> {
    return this.sendKeyed(SRANDMEMBER | AS_BUFFERS, key, count);
  }

  /** Removes members. How many were there. */
  srem(key: Key, ...members: Arg[]): Result<number, C>;
  srem(key: Key, members: readonly Arg[]): Result<number, C>;
  srem(key: Key, first: Arg | readonly Arg[], ...rest: Arg[]): Result<number, C> {
    return this.sendKeyedList(SREM, key, first, rest);
  }

  /**
   * One step over a set: the next cursor, '0' at the end, and some members. Options: MATCH, COUNT.
   */
  sscan(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: string, members: string[]], C> {
    return this.sendPair(SSCAN, key, cursor, options);
  }

  /** As `sscan`, with the bytes, the cursor's too. */
  sscanBuffer(
    key: Key,
    cursor: Integer,
    ...options: Arg[]
  ): Result<[cursor: Buffer, members: Buffer[]], C> {
    return this.sendPair(SSCAN | AS_BUFFERS, key, cursor, options);
  }

  /** The members that any of the sets has. */
  sunion(...keys: Key[]): Result<string[], C>;
  sunion(keys: readonly Key[]): Result<string[], C>;
  sunion(first: Key | readonly Key[], ...rest: Key[]): Result<string[], C> {
    return this.sendList(SUNION, first, rest);
  }

  /** As `sunion`, with the members' bytes. */
  sunionBuffer(...keys: Key[]): Result<Buffer[], C>;
  sunionBuffer(keys: readonly Key[]): Result<Buffer[], C>;
  sunionBuffer(first: Key | readonly Key[], ...rest: Key[]): Result<Buffer[], C> {
    return this.sendList(SUNION | AS_BUFFERS, first, rest);
  }

  /** Stores what `sunion` would answer. Its number of members. */
  sunionstore(destination: Key, ...keys: Key[]): Result<number, C>;
  sunionstore(destination: Key, keys: readonly Key[]): Result<number, C>;
  sunionstore(destination: Key, first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendKeyedList(SUNIONSTORE, destination, first, rest);
  }
}
