// Commands that run scripts on the server, and publish.

import { refusePairingChange } from '../pairing-guard.js';
import { type Arg, type Context, define, type Key, type Result, RUNS_CODE } from '../sender.js';
import { SortedSetRangeCommands } from './sorted-set-ranges.js';
import type { Integer } from './variadic-sender.js';

const EVAL = define('EVAL', undefined, RUNS_CODE);
const EVAL_RO = define('EVAL_RO', undefined, RUNS_CODE);
const EVALSHA = define('EVALSHA', undefined, RUNS_CODE);
const EVALSHA_RO = define('EVALSHA_RO', undefined, RUNS_CODE);
const PUBLISH = define('PUBLISH');
const SCRIPT = define('SCRIPT');

/** The keys, which may be a list, and the arguments of a script. */
type KeysAndArgs = Arg[] | [keys: readonly Key[], ...args: Arg[]];

/** Commands that run something on the server, or tell its subscribers something. */
export abstract class ScriptingCommands<C extends Context> extends SortedSetRangeCommands<C> {
  /** Runs a Lua script with `numkeys` keys and any arguments. What it returns. */
  eval(script: Key, numkeys: Integer, ...keysAndArgs: KeysAndArgs): Result<unknown, C> {
    return this.sendListAt(EVAL, [script, numkeys, ...keysAndArgs], 2);
  }

  /** As `eval`, for a script that writes nothing, so that a replica can run it. Since Redis 7.0. */
  eval_ro(script: Key, numkeys: Integer, ...keysAndArgs: KeysAndArgs): Result<unknown, C> {
    return this.sendListAt(EVAL_RO, [script, numkeys, ...keysAndArgs], 2);
  }

  /**
   * As `eval`, by the SHA-1 of a script that the server knows; fails with NOSCRIPT where it does
   * not.
   */
  evalsha(sha1: Key, numkeys: Integer, ...keysAndArgs: KeysAndArgs): Result<unknown, C> {
    return this.sendListAt(EVALSHA, [sha1, numkeys, ...keysAndArgs], 2);
  }

  /**
   * As `evalsha`, for a script that writes nothing, so that a replica can run it. Since Redis 7.0.
   */
  evalsha_ro(sha1: Key, numkeys: Integer, ...keysAndArgs: KeysAndArgs): Result<unknown, C> {
    return this.sendListAt(EVALSHA_RO, [sha1, numkeys, ...keysAndArgs], 2);
  }

  /** Sends a message to the subscribers of a channel. How many of this server's clients got it. */
  publish(channel: Key, message: Arg): Result<number, C> {
    return arguments.length > 2
      ? this.sendGiven(PUBLISH, arguments)
      : this.send2(PUBLISH, channel, message);
  }

  /**
   * Manages the server's scripts: LOAD one (its SHA-1), ask which EXISTS (1 or 0 each), FLUSH them,
   * KILL the one that runs.
   */
  script(subcommand: 'LOAD', script: Key): Result<string, C>;
  script(subcommand: 'EXISTS', ...sha1s: Key[]): Result<number[], C>;
  script(subcommand: 'FLUSH', ...mode: [] | ['ASYNC' | 'SYNC']): Result<'OK', C>;
  script(subcommand: 'KILL'): Result<'OK', C>;
  script(subcommand: string, ...args: Key[]): Result<unknown, C> {
    refusePairingChange('SCRIPT', subcommand);
    return this.sendKeyed(SCRIPT, subcommand, args);
  }
}
