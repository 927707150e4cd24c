// The options of sockets and servers, and their names.

import type { LookupFunction } from 'node:net';
import type { EventLoop } from '../event-loop.js';
import { checkNames, type OptionNames } from '../options.js';
import { argumentError } from './arguments.js';

/** Options of a socket. */
export interface SocketOptions {
  /** Where the socket's I/O is done. Default: the shared loop. */
  loop?: EventLoop;
  /** Keep the writable side open when the peer has ended its own. Default false. */
  allowHalfOpen?: boolean;
  /** Destroys the socket with an AbortError when it is aborted. */
  signal?: AbortSignal;
  /** Bytes that are buffered in each direction before back-pressure is felt. Default: that of node:stream. */
  highWaterMark?: number;
}

/** Options that set up a connection. */
export interface ConnectionOptions {
  /** Sends small writes at once instead of gathering them. Default false. */
  noDelay?: boolean;
  /** Has the system probe a silent connection. Default false. */
  keepAlive?: boolean;
  /** Silence before the first probe, in ms, rounded down to seconds. Default 0: the system's own. */
  keepAliveInitialDelay?: number;
}

/** Options of {@link connect}. */
export interface ConnectOptions extends SocketOptions, ConnectionOptions {
  /** A TCP port. */
  port?: number | string;
  /** A name or an address. Default `localhost`. */
  host?: string;
  /** A Unix socket, or a named pipe on Windows, in place of host and port. */
  path?: string;
  /** Resolve names to IPv4 (4), IPv6 (6) or both (0). Default 0. */
  family?: 0 | 4 | 6 | 'IPv4' | 'IPv6';
  /** The address to connect from. */
  localAddress?: string;
  /** The port to connect from. */
  localPort?: number;
  /** Resolves names in place of the system's resolver; it is called on this JS thread. */
  lookup?: LookupFunction;
  /** For `lookup`, as node:dns has them. The system's resolver takes none: without a `lookup`, others than 0 are refused. */
  hints?: number;
  /** How long resolving and connecting may take, in ms; then the socket fails with `ETIMEDOUT`. Default: no limit but the system's. */
  connectTimeout?: number;
  /** Try all addresses of a name, or only the first. Default true. */
  autoSelectFamily?: boolean;
  /** How long an address may take before the next is tried beside it, in ms. Default 250. */
  autoSelectFamilyAttemptTimeout?: number;
  /** Emits 'timeout' after so many ms without traffic, as `setTimeout` does. */
  timeout?: number;
}

/** Options of {@link createServer}. They are those of its connections. */
export interface ServerOptions extends ConnectionOptions {
  /** Where the server's I/O is done. Default: the shared loop. */
  loop?: EventLoop;
  /** Keep the writable side of connections open when the peer has ended its own. Default false. */
  allowHalfOpen?: boolean;
  /** Connections do not begin to read before they are told to. Default false. */
  pauseOnConnect?: boolean;
  /** Bytes that are buffered in each direction before back-pressure is felt. Default: that of node:stream. */
  highWaterMark?: number;
}

/** Options of {@link Server.listen}. */
export interface ListenOptions {
  /** A TCP port. Default 0: any that is free. */
  port?: number | string;
  /** A name or an address. Default: all addresses of the machine. */
  host?: string;
  /** A Unix socket, or a named pipe on Windows, in place of host and port. */
  path?: string;
  /** Connections that may wait in the system to be accepted. Default 511. */
  backlog?: number;
  /** An IPv6 address does not take IPv4 too. Default false. */
  ipv6Only?: boolean;
  /** The pipe is readable by all users. Default false. */
  readableAll?: boolean;
  /** The pipe is writable by all users. Default false. */
  writableAll?: boolean;
  /** Taken and ignored: a port is never shared with other processes. */
  exclusive?: boolean;
  /** Closes the server when it is aborted. */
  signal?: AbortSignal;
}

const CONNECT_NAMES: OptionNames<ConnectOptions> = {
  loop: true,
  allowHalfOpen: true,
  signal: true,
  highWaterMark: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: true,
  port: true,
  host: true,
  path: true,
  family: true,
  localAddress: true,
  localPort: true,
  lookup: true,
  hints: true,
  connectTimeout: true,
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: true,
  timeout: true,
};
const SERVER_NAMES: OptionNames<ServerOptions> = {
  loop: true,
  allowHalfOpen: true,
  pauseOnConnect: true,
  highWaterMark: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: true,
};
const LISTEN_NAMES: OptionNames<ListenOptions> = {
  port: true,
  host: true,
  path: true,
  backlog: true,
  ipv6Only: true,
  readableAll: true,
  writableAll: true,
  exclusive: true,
  signal: true,
};

// Options of http.Agent and its like that are near to one of ours, and mean something else.
const OF_OTHERS = {
  bodyTimeout: true,
  freeSocketTimeout: true,
  keepAliveMsecs: true,
  socketTimeout: true,
};

/** Refuses what is misspelt. Clients of HTTP hand on all of their own options, which are none of ours and are let be. */
export function checkConnectNames(options: object): void {
  for (const name of ['fd', 'handle', 'onread'] as const) {
    if (((options as Record<string, unknown>)[name] ?? undefined) === undefined) continue;
    throw argumentError(`${name} is an option of node:net only.`);
  }
  checkNames(options, CONNECT_NAMES, 'connect()', OF_OTHERS);
}

export function checkServerNames(options: object): void {
  checkNames(options, SERVER_NAMES, 'createServer()');
}

export function checkListenNames(options: object): void {
  checkNames(options, LISTEN_NAMES, 'listen()');
}
