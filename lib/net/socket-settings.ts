// How a socket is set up, with every option checked and every default filled in: by itself, or for all connections of a server.

import { checkSignal } from '../abort-listeners.js';
import type { EventLoop } from '../event-loop.js';
import { checkHighWaterMark, checkLoop, secondsOf } from './arguments.js';
import {
  type ConnectionOptions,
  checkConnectNames,
  checkServerNames,
  type ServerOptions,
  type SocketOptions,
} from './options.js';

/** Of a connection, on whichever side it was made. */
export interface ConnectionSettings {
  allowHalfOpen: boolean;
  highWaterMark: number | undefined;
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveSeconds: number;
}

export interface SocketSettings extends ConnectionSettings {
  loop: EventLoop | undefined;
  signal: AbortSignal | undefined;
}

export interface ServerSettings extends ConnectionSettings {
  loop: EventLoop | undefined;
  pauseOnConnect: boolean;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkSocket(options: SocketOptions & ConnectionOptions): SocketSettings {
  checkConnectNames(options);
  return {
    ...checkConnection(options),
    loop: checkLoop(options.loop),
    signal: checkSignal(options.signal ?? undefined),
  };
}

/** The connections of a server are made where nobody could catch an error: their options are checked here. */
export function checkServer(options: ServerOptions): ServerSettings {
  checkServerNames(options);
  return {
    ...checkConnection(options),
    loop: checkLoop(options.loop),
    pauseOnConnect: Boolean(options.pauseOnConnect),
  };
}

function checkConnection(options: ServerOptions): ConnectionSettings {
  return {
    allowHalfOpen: Boolean(options.allowHalfOpen),
    highWaterMark: checkHighWaterMark(options.highWaterMark),
    noDelay: Boolean(options.noDelay),
    keepAlive: Boolean(options.keepAlive),
    keepAliveSeconds: secondsOf(options.keepAliveInitialDelay ?? 0, 'keepAliveInitialDelay'),
  };
}
