// Where a server is told to listen, with every option checked and every default filled in.

import { checkSignal } from '../abort-listeners.js';
import { asciiName } from '../host-name.js';
import { argumentError, checkPort, checkText } from './arguments.js';
import { checkListenNames, type ListenOptions } from './options.js';
import { Flag } from './wire.js';

const DEFAULT_BACKLOG = 511;

/** What `listen` was asked for, checked. */
export interface ListenTarget {
  /** Of a pipe. */
  path: string | undefined;
  /** The path, or the host. */
  host: string;
  port: number;
  flags: number;
  backlog: number;
  signal: AbortSignal | undefined;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkListen(options: ListenOptions): ListenTarget {
  const others = options as Record<string, unknown>;
  if (others.fd != null || others._handle != null || others.handle != null) {
    throw argumentError(
      'A server listens on a port or a path; descriptors and handles are for node:net only.',
    );
  }
  checkListenNames(options);
  // An empty one is none, in node:net too.
  const path = options.path ? checkText(options.path, 'path') : undefined;
  return {
    path,
    host: path ?? asciiName(checkText(options.host ?? '', 'host')),
    port: path === undefined ? checkPort(options.port ?? 0) : 0,
    flags:
      (path === undefined ? 0 : Flag.isPath) |
      (options.ipv6Only ? Flag.ipv6Only : 0) |
      (options.readableAll ? Flag.readableAll : 0) |
      (options.writableAll ? Flag.writableAll : 0),
    backlog: checkBacklog(options.backlog ?? DEFAULT_BACKLOG),
    signal: checkSignal(options.signal ?? undefined),
  };
}

function checkBacklog(backlog: unknown): number {
  const isRight = Number.isInteger(backlog) && (backlog as number) >= 0;
  if (isRight && (backlog as number) <= 0x7fff_ffff) return backlog as number;
  throw argumentError('backlog must be a whole number, 0 or more.');
}
