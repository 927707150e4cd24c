// TCP and pipes on a loop thread: node:net's sockets and servers.

import { connectArguments } from './arguments.js';
import { checkConnect } from './connect-target.js';
import type { ConnectOptions, ServerOptions } from './options.js';
import { Server } from './server.js';
import { Socket } from './socket.js';

export { isIP, isIPv4, isIPv6 } from 'node:net';
export type {
  ConnectionOptions,
  ConnectOptions,
  ListenOptions,
  ServerOptions,
  SocketOptions,
} from './options.js';
export { type DropArgument, Server } from './server.js';
export { Socket } from './socket.js';

/**
 * A new socket that connects: `(options, listener?)`, `(port, host?, listener?)` or `(path, listener?)`. `listener` hears
 * of 'connect'.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
 */
export function connect(options: ConnectOptions, listener?: () => void): Socket;
export function connect(port: number | string, host?: string, listener?: () => void): Socket;
export function connect(port: number | string, listener?: () => void): Socket;
export function connect(path: string, listener?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const [options, listener] = connectArguments(args);
  // A socket that is made already listens to its signal: what is wrong is to be found before.
  checkConnect(options);
  return new Socket(options).connect(options, listener);
}

/** The same as {@link connect}. */
export const createConnection = connect;

/**
 * A new server, which does not listen yet. `listener` hears of 'connection'.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
 */
export function createServer(options?: ServerOptions, listener?: (socket: Socket) => void): Server;
export function createServer(listener?: (socket: Socket) => void): Server;
export function createServer(...args: unknown[]): Server {
  return new Server(...(args as [ServerOptions]));
}
