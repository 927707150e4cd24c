// Commands about the server.

import { type Arg, type Context, define, type Key, type Result } from '../sender.js';
import { ScriptingCommands } from './scripting.js';
import type { Integer } from './variadic-sender.js';

const BGREWRITEAOF = define('BGREWRITEAOF');
const BGSAVE = define('BGSAVE');
const COMMAND = define('COMMAND');
const CONFIG = define('CONFIG');
const DBSIZE = define('DBSIZE');
const FLUSHALL = define('FLUSHALL');
const FLUSHDB = define('FLUSHDB');
const INFO = define('INFO');
const LASTSAVE = define('LASTSAVE');
const MEMORY = define('MEMORY');
const ROLE = define('ROLE');
const SAVE = define('SAVE');
const SLOWLOG = define('SLOWLOG');
const SWAPDB = define('SWAPDB');
const TIME = define('TIME');
const WAIT = define('WAIT');

/**
 * Whether a flush frees the memory before it answers, or in the background. SYNC since Redis 6.2.
 */
type FlushMode = [] | ['ASYNC' | 'SYNC'];

/** Commands about the server. */
export abstract class ServerCommands<C extends Context> extends ScriptingCommands<C> {
  /** Starts to rewrite the append-only file in the background. */
  bgrewriteaof(): Result<string, C> {
    return arguments.length > 0
      ? this.sendGiven(BGREWRITEAOF, arguments)
      : this.send0(BGREWRITEAOF);
  }

  /**
   * Starts to save the database in the background; with SCHEDULE, once a running rewrite has ended.
   */
  bgsave(...schedule: [] | ['SCHEDULE']): Result<string, C> {
    return this.sendAll(BGSAVE, schedule);
  }

  /** The commands that the server has: their COUNT, LIST, INFO, DOCS, or the GETKEYS of one. */
  command(): Result<unknown[], C>;
  command(subcommand: 'COUNT'): Result<number, C>;
  command(subcommand: 'LIST', ...filter: Arg[]): Result<string[], C>;
  command(subcommand: 'GETKEYS', ...commandAndArgs: Arg[]): Result<string[], C>;
  command(subcommand: 'DOCS' | 'GETKEYSANDFLAGS' | 'INFO', ...args: Arg[]): Result<unknown[], C>;
  command(...args: Arg[]): Result<unknown, C> {
    return this.sendAll(COMMAND, args);
  }

  /**
   * The server's settings: GET by patterns (names and values in turn), SET, REWRITE the file,
   * RESETSTAT.
   */
  config(subcommand: 'GET', ...patterns: Key[]): Result<string[], C>;
  config(subcommand: 'SET', ...namesAndValues: Arg[]): Result<'OK', C>;
  config(subcommand: 'RESETSTAT' | 'REWRITE'): Result<'OK', C>;
  config(subcommand: string, ...args: Arg[]): Result<unknown, C> {
    return this.sendKeyed(CONFIG, subcommand, args);
  }

  /** The number of keys in the database. */
  dbsize(): Result<number, C> {
    return arguments.length > 0 ? this.sendGiven(DBSIZE, arguments) : this.send0(DBSIZE);
  }

  /** Deletes all keys of all databases. */
  flushall(...mode: FlushMode): Result<'OK', C> {
    return this.sendAll(FLUSHALL, mode);
  }

  /** Deletes all keys of the database. */
  flushdb(...mode: FlushMode): Result<'OK', C> {
    return this.sendAll(FLUSHDB, mode);
  }

  /** Facts and figures about the server as text; several sections since Redis 7.0. */
  info(...sections: Key[]): Result<string, C> {
    return this.sendAll(INFO, sections);
  }

  /** The Unix time in seconds of the last save that succeeded. */
  lastsave(): Result<number, C> {
    return arguments.length > 0 ? this.sendGiven(LASTSAVE, arguments) : this.send0(LASTSAVE);
  }

  /**
   * The server's memory: the bytes of a key (USAGE, null where there is none), STATS, DOCTOR's
   * advice, MALLOC-STATS, PURGE.
   */
  memory(
    subcommand: 'USAGE',
    key: Key,
    ...samples: [] | ['SAMPLES', Integer]
  ): Result<number | null, C>;
  memory(subcommand: 'STATS'): Result<unknown[], C>;
  memory(subcommand: 'DOCTOR' | 'MALLOC-STATS'): Result<string, C>;
  memory(subcommand: 'PURGE'): Result<'OK', C>;
  memory(subcommand: string, ...args: Arg[]): Result<unknown, C> {
    return this.sendKeyed(MEMORY, subcommand, args);
  }

  /**
   * The server's part in replication, `master`, `slave` or `sentinel` first, and the details of it.
   */
  role(): Result<unknown[], C> {
    return arguments.length > 0 ? this.sendGiven(ROLE, arguments) : this.send0(ROLE);
  }

  /** Saves the database and blocks the whole server meanwhile. */
  save(): Result<'OK', C> {
    return arguments.length > 0 ? this.sendGiven(SAVE, arguments) : this.send0(SAVE);
  }

  /** The log of slow commands: GET the latest, its LEN, RESET. Times in it are microseconds. */
  slowlog(subcommand: 'GET', ...count: [] | [count: Integer]): Result<unknown[], C>;
  slowlog(subcommand: 'LEN'): Result<number, C>;
  slowlog(subcommand: 'RESET'): Result<'OK', C>;
  slowlog(subcommand: string, ...args: Arg[]): Result<unknown, C> {
    return this.sendKeyed(SLOWLOG, subcommand, args);
  }

  /** Exchanges two databases for all clients at once. */
  swapdb(index1: Integer, index2: Integer): Result<'OK', C> {
    return arguments.length > 2
      ? this.sendGiven(SWAPDB, arguments)
      : this.send2(SWAPDB, index1, index2);
  }

  /** The server's clock: Unix time in seconds and the microseconds of the current one, as text. */
  time(): Result<[seconds: string, microseconds: string], C> {
    return arguments.length > 0 ? this.sendGiven(TIME, arguments) : this.send0(TIME);
  }

  /**
   * Waits, `timeout` ms at most where 0 is for ever, until replicas have this connection's writes.
   * How many have.
   */
  wait(replicas: Integer, timeout: Integer): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(WAIT, arguments)
      : this.send2(WAIT, replicas, timeout);
  }
}
