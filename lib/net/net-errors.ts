// Errors as node:net reports them, from what the loop reports.

import { SideloopError, SystemError } from '../errors.js';
import { Closed } from './wire.js';

// libuv's numbers: they are the same everywhere.
const EAI_NODATA = -3007;
const EAI_NONAME = -3008;

/** A name that did not resolve, as node:dns reports it. */
export interface LookupError extends Error {
  code: string;
  errno: number;
  syscall: 'getaddrinfo';
  hostname: string;
}

export function lookupError(errno: number, hostname: string): LookupError {
  const { code: name } = new SystemError(errno, 'getaddrinfo');
  const code = errno === EAI_NODATA || errno === EAI_NONAME ? 'ENOTFOUND' : name;
  const error = new Error(`getaddrinfo ${code} ${hostname}`);
  return Object.assign(error, { errno, code, syscall: 'getaddrinfo' as const, hostname });
}

/** `address` is a path where there is no port. Port 0 is none either: it means any that is free. */
export function addressError(
  errno: number,
  call: string,
  address: string,
  port: number,
): SystemError {
  return new SystemError(errno, call, port <= 0 ? { address } : { address, port });
}

/** All addresses of a name failed: `errors` says how each, `code` is the first one's. */
export function attemptsError(errors: readonly SystemError[]): AggregateError & { code: string } {
  const code = (errors[0] as SystemError).code;
  const message = errors.map((each) => each.message).join('; ');
  return Object.assign(new AggregateError(errors, message), { code });
}

/** The loop ended with bytes unsent, or before the connection was made. */
export function loopEndedError(reason: number): SideloopError {
  return reason === Closed.destroyed
    ? new SideloopError(
        'ERR_SIDELOOP_DESTROYED',
        'The loop was destroyed before the socket had sent all: await loop.stop() first where that matters.',
      )
    : new SideloopError(
        'ERR_SIDELOOP_STOPPED',
        'The loop was stopped and its deadline passed before the socket had sent all: give stop() a longer deadlineMs.',
      );
}

/** There is no connection to do it on, as node:net says it. */
export function socketClosedError(): SideloopError {
  return new SideloopError('ERR_SOCKET_CLOSED', 'Socket is closed: connect() it first.');
}

/** The socket was destroyed before this was done, as node:stream says it. */
export function destroyedError(): SideloopError {
  return new SideloopError(
    'ERR_STREAM_DESTROYED',
    'The socket was destroyed before this was sent.',
  );
}

/** A resolver of the caller's gave nothing to connect to. The code is node:net's. */
export function noAddressError(host: string): SideloopError {
  return new SideloopError(
    'ERR_INVALID_IP_ADDRESS',
    `lookup found no IP address of ${host}: it must call back with an address, or a list of { address, family }.`,
  );
}
