// Commands about the connection, as far as they leave alone how replies pair with requests: not
// among them are SELECT, HELLO, RESET, QUIT, MONITOR and CLIENT REPLY.

import { refusePairingChange } from '../pairing-guard.js';
import { type Arg, AS_BUFFERS, type Context, define, type Key, type Result } from '../sender.js';
import { ServerCommands } from './server.js';
import type { Integer } from './variadic-sender.js';

const CLIENT = define('CLIENT');
const ECHO = define('ECHO');
const PING = define('PING');

/** Commands about the connection. */
export abstract class ConnectionCommands<C extends Context> extends ServerCommands<C> {
  /**
   * The server's connections: this one's ID, INFO, GETNAME and SETNAME, TRACKINGINFO and GETREDIR,
   * and NO-EVICT (since Redis 7.0); the LIST of all; to KILL or UNBLOCK one; to PAUSE all, for so
   * many ms, and UNPAUSE them.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_REDIS_UNSUPPORTED` for REPLY.
   */
  client(subcommand: 'ID' | 'GETREDIR'): Result<number, C>;
  client(subcommand: 'GETNAME'): Result<string | null, C>;
  client(subcommand: 'INFO'): Result<string, C>;
  client(subcommand: 'LIST', ...filter: Arg[]): Result<string, C>;
  client(subcommand: 'TRACKINGINFO'): Result<unknown[], C>;
  client(subcommand: 'SETNAME', name: Key): Result<'OK', C>;
  client(subcommand: 'NO-EVICT', state: 'ON' | 'OFF'): Result<'OK', C>;
  client(subcommand: 'KILL', address: string): Result<'OK', C>;
  client(subcommand: 'KILL', ...filter: Arg[]): Result<number, C>;
  client(subcommand: 'UNBLOCK', id: Integer, ...how: [] | ['TIMEOUT' | 'ERROR']): Result<number, C>;
  client(
    subcommand: 'PAUSE',
    milliseconds: Integer,
    ...which: [] | ['WRITE' | 'ALL']
  ): Result<'OK', C>;
  client(subcommand: 'UNPAUSE'): Result<'OK', C>;
  client(subcommand: string, ...args: Arg[]): Result<unknown, C> {
    refusePairingChange('CLIENT', subcommand);
    return this.sendKeyed(CLIENT, subcommand, args);
  }

  /** The message itself. */
  echo(message: Arg): Result<string, C> {
    return arguments.length > 1 ? this.sendGiven(ECHO, arguments) : this.send1(ECHO, message);
  }

  /** As `echo`, with the message's bytes. */
  echoBuffer(message: Arg): Result<Buffer, C> {
    return arguments.length > 1
      ? this.sendGiven(ECHO | AS_BUFFERS, arguments)
      : this.send1(ECHO | AS_BUFFERS, message);
  }

  /** 'PONG', or the message where there is one. */
  ping(): Result<'PONG', C>;
  ping(message: Arg): Result<string, C>;
  ping(...message: Arg[]): Result<unknown, C> {
    return this.sendAll(PING, message);
  }
}
