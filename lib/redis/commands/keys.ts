// Commands on keys, whatever their type.

import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { type Int64, type Integer, VariadicSender } from './variadic-sender.js';

const COPY = define('COPY');
const DEL = define('DEL');
const DUMP = define('DUMP');
const EXISTS = define('EXISTS');
const EXPIRE = define('EXPIRE');
const EXPIREAT = define('EXPIREAT');
const EXPIRETIME = define('EXPIRETIME');
const KEYS = define('KEYS');
const MIGRATE = define('MIGRATE');
const MOVE = define('MOVE');
const OBJECT = define('OBJECT');
const PERSIST = define('PERSIST');
const PEXPIRE = define('PEXPIRE');
const PEXPIREAT = define('PEXPIREAT');
const PEXPIRETIME = define('PEXPIRETIME');
const PTTL = define('PTTL');
const RANDOMKEY = define('RANDOMKEY');
const RENAME = define('RENAME');
const RENAMENX = define('RENAMENX');
const RESTORE = define('RESTORE');
const SCAN = define('SCAN');
const SORT = define('SORT');
const SORT_RO = define('SORT_RO');
const TOUCH = define('TOUCH');
const TTL = define('TTL');
const TYPE = define('TYPE');
const UNLINK = define('UNLINK');

/** When an expiry is to be set: where there is none, is one, or the new one is later or sooner. */
export type ExpireCondition = 'NX' | 'XX' | 'GT' | 'LT';

/** Commands on keys. */
export abstract class KeyCommands<C extends Context> extends VariadicSender<C> {
  /**
   * Copies a key, to another database with DB, over an existing one with REPLACE: 1 if copied.
   * Since Redis 6.2.
   */
  copy(source: Key, destination: Key, ...options: Arg[]): Result<number, C> {
    return this.sendPair(COPY, source, destination, options);
  }

  /** Deletes keys. How many of them existed. */
  del(...keys: Key[]): Result<number, C>;
  del(keys: readonly Key[]): Result<number, C>;
  del(first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendList(DEL, first, rest);
  }

  /**
   * A key's value in Redis's own format, null where there is none. It is binary: prefer
   * `dumpBuffer`.
   */
  dump(key: Key): Result<string | null, C> {
    return arguments.length > 1 ? this.sendGiven(DUMP, arguments) : this.send1(DUMP, key);
  }

  /** A key's value in Redis's own format, for `restore`; null where there is none. */
  dumpBuffer(key: Key): Result<Buffer | null, C> {
    return arguments.length > 1
      ? this.sendGiven(DUMP | AS_BUFFERS, arguments)
      : this.send1(DUMP | AS_BUFFERS, key);
  }

  /** How many of the keys exist; a key named twice counts twice. */
  exists(...keys: Key[]): Result<number, C>;
  exists(keys: readonly Key[]): Result<number, C>;
  exists(first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendList(EXISTS, first, rest);
  }

  /** Lets a key expire after so many seconds: 1 if it was set. Conditions since Redis 7.0. */
  expire(key: Key, seconds: Integer, ...conditions: ExpireCondition[]): Result<number, C> {
    return this.sendPair(EXPIRE, key, seconds, conditions);
  }

  /** Lets a key expire at a Unix time in seconds: 1 if it was set. Conditions since Redis 7.0. */
  expireat(key: Key, unixSeconds: Integer, ...conditions: ExpireCondition[]): Result<number, C> {
    return this.sendPair(EXPIREAT, key, unixSeconds, conditions);
  }

  /**
   * The Unix time in seconds at which a key expires; -1 if never, -2 if there is no such key. Since
   * Redis 7.0.
   */
  expiretime(key: Key): Result<Int64, C> {
    return arguments.length > 1
      ? this.sendGiven(EXPIRETIME, arguments)
      : this.send1(EXPIRETIME, key);
  }

  /**
   * All keys that match a glob pattern. The server walks its whole database for it; `scan` does so
   * in steps.
   */
  keys(pattern: Key): Result<string[], C> {
    return arguments.length > 1 ? this.sendGiven(KEYS, arguments) : this.send1(KEYS, pattern);
  }

  /** As `keys`, with the names' bytes. */
  keysBuffer(pattern: Key): Result<Buffer[], C> {
    return arguments.length > 1
      ? this.sendGiven(KEYS | AS_BUFFERS, arguments)
      : this.send1(KEYS | AS_BUFFERS, pattern);
  }

  /**
   * Moves a key to another server, waiting at most `timeout` ms for it; several with an empty key
   * and KEYS.
   */
  migrate(
    host: string,
    port: Integer,
    key: Key,
    database: Integer,
    timeout: Integer,
    ...options: Arg[]
  ): Result<'OK' | 'NOKEY', C> {
    return this.send(MIGRATE, [host, port, key, database, timeout, ...options]);
  }

  /** Moves a key to another database of the server: 1 if moved. */
  move(key: Key, database: Integer): Result<number, C> {
    return arguments.length > 2 ? this.sendGiven(MOVE, arguments) : this.send2(MOVE, key, database);
  }

  /**
   * How a value is stored (ENCODING), its references, its idle time in seconds, or its access
   * frequency.
   */
  object(subcommand: 'ENCODING', key: Key): Result<string | null, C>;
  object(subcommand: 'FREQ' | 'IDLETIME' | 'REFCOUNT', key: Key): Result<number | null, C>;
  object(subcommand: 'HELP'): Result<string[], C>;
  object(subcommand: string, ...key: Key[]): Result<unknown, C> {
    return this.sendKeyed(OBJECT, subcommand, key);
  }

  /** Removes a key's expiry: 1 if it had one. */
  persist(key: Key): Result<number, C> {
    return arguments.length > 1 ? this.sendGiven(PERSIST, arguments) : this.send1(PERSIST, key);
  }

  /** Lets a key expire after so many milliseconds: 1 if it was set. Conditions since Redis 7.0. */
  pexpire(key: Key, milliseconds: Integer, ...conditions: ExpireCondition[]): Result<number, C> {
    return this.sendPair(PEXPIRE, key, milliseconds, conditions);
  }

  /**
   * Lets a key expire at a Unix time in milliseconds: 1 if it was set. Conditions since Redis 7.0.
   */
  pexpireat(
    key: Key,
    unixMilliseconds: Integer,
    ...conditions: ExpireCondition[]
  ): Result<number, C> {
    return this.sendPair(PEXPIREAT, key, unixMilliseconds, conditions);
  }

  /**
   * The Unix time in milliseconds at which a key expires; -1 if never, -2 if there is no such key.
   * Since Redis 7.0.
   */
  pexpiretime(key: Key): Result<Int64, C> {
    return arguments.length > 1
      ? this.sendGiven(PEXPIRETIME, arguments)
      : this.send1(PEXPIRETIME, key);
  }

  /** The milliseconds that a key has left; -1 if it does not expire, -2 if there is no such key. */
  pttl(key: Key): Result<Int64, C> {
    return arguments.length > 1 ? this.sendGiven(PTTL, arguments) : this.send1(PTTL, key);
  }

  /** The name of some key; null where the database is empty. */
  randomkey(): Result<string | null, C> {
    return arguments.length > 0 ? this.sendGiven(RANDOMKEY, arguments) : this.send0(RANDOMKEY);
  }

  /** As `randomkey`, with the name's bytes. */
  randomkeyBuffer(): Result<Buffer | null, C> {
    return arguments.length > 0
      ? this.sendGiven(RANDOMKEY | AS_BUFFERS, arguments)
      : this.send0(RANDOMKEY | AS_BUFFERS);
  }

  /** Renames a key, over an existing one. Fails where there is no such key. */
  rename(key: Key, newKey: Key): Result<'OK', C> {
    return arguments.length > 2
      ? this.sendGiven(RENAME, arguments)
      : this.send2(RENAME, key, newKey);
  }

  /** Renames a key unless the new name is taken: 1 if renamed. */
  renamenx(key: Key, newKey: Key): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(RENAMENX, arguments)
      : this.send2(RENAMENX, key, newKey);
  }

  /**
   * Creates a key from what `dumpBuffer` gave, with so many ms to live (0: for ever). REPLACE
   * overwrites.
   */
  restore(key: Key, milliseconds: Integer, dump: Uint8Array, ...options: Arg[]): Result<'OK', C> {
    return this.send(RESTORE, [key, milliseconds, dump, ...options]);
  }

  /**
   * One step over all keys: the next cursor, '0' at the end, and some names. Options: MATCH
   * pattern, COUNT of keys to look at, TYPE of value.
   */
  scan(cursor: Integer, ...options: Arg[]): Result<[cursor: string, keys: string[]], C> {
    return this.sendKeyed(SCAN, cursor, options);
  }

  /** As `scan`, with the names' bytes and the cursor's too. */
  scanBuffer(cursor: Integer, ...options: Arg[]): Result<[cursor: Buffer, keys: Buffer[]], C> {
    return this.sendKeyed(SCAN | AS_BUFFERS, cursor, options);
  }

  /**
   * The sorted elements of a list, set or sorted set, or what GET makes of them. Options: BY
   * pattern, LIMIT offset count, GET pattern, ASC or DESC, ALPHA, and at the end STORE key, which
   * gives their number.
   */
  sort(key: Key, ...options: [...Arg[], 'STORE', Key]): Result<number, C>;
  sort(key: Key, ...options: Arg[]): Result<(string | null)[], C>;
  sort(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(SORT, key, options);
  }

  /** As `sort`, with the elements' bytes. */
  sortBuffer(key: Key, ...options: [...Arg[], 'STORE', Key]): Result<number, C>;
  sortBuffer(key: Key, ...options: Arg[]): Result<(Buffer | null)[], C>;
  sortBuffer(key: Key, ...options: Arg[]): Result<unknown, C> {
    return this.sendKeyed(SORT | AS_BUFFERS, key, options);
  }

  /** As `sort` without STORE, so that a replica can answer it. Since Redis 7.0. */
  sort_ro(key: Key, ...options: Arg[]): Result<(string | null)[], C> {
    return this.sendKeyed(SORT_RO, key, options);
  }

  /** As `sort_ro`, with the elements' bytes. */
  sort_roBuffer(key: Key, ...options: Arg[]): Result<(Buffer | null)[], C> {
    return this.sendKeyed(SORT_RO | AS_BUFFERS, key, options);
  }

  /** Marks keys as just used. How many of them exist. */
  touch(...keys: Key[]): Result<number, C>;
  touch(keys: readonly Key[]): Result<number, C>;
  touch(first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendList(TOUCH, first, rest);
  }

  /** The seconds that a key has left; -1 if it does not expire, -2 if there is no such key. */
  ttl(key: Key): Result<Int64, C> {
    return arguments.length > 1 ? this.sendGiven(TTL, arguments) : this.send1(TTL, key);
  }

  /**
   * The type of a key's value: string, list, set, zset, hash, stream, a module's; none where there
   * is no key.
   */
  type(key: Key): Result<string, C> {
    return arguments.length > 1 ? this.sendGiven(TYPE, arguments) : this.send1(TYPE, key);
  }

  /** As `del`, with the memory freed in the background. */
  unlink(...keys: Key[]): Result<number, C>;
  unlink(keys: readonly Key[]): Result<number, C>;
  unlink(first: Key | readonly Key[], ...rest: Key[]): Result<number, C> {
    return this.sendList(UNLINK, first, rest);
  }
}
