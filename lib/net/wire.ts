// What crosses between this folder and the loop thread, as native/net/wire.h says it.

/** The first word of every command and report: an id, and in its lower bits what is said of it. */
export const KIND_BITS = 4;
export const KIND_MASK = (1 << KIND_BITS) - 1;

/** Of nothing that can be opened. A `closed` report of it is the last of all: the loop has ended. */
export const TABLE_ID = 0;

/** To the loop. Behind the head come the words named here. */
export const Command = {
  /** bytes */
  write: 1,
  /** bytes read, or connections taken; reading begins with the first */
  acknowledge: 2,
  shutdown: 3,
  /** 1: with a reset, else 0 */
  close: 4,
  forget: 5,
  /** flags, port, deadline ms, ms to an attempt, bytes of host, local port, bytes of local host */
  connect: 6,
  /** flags, port, backlog, most connections, bytes of host */
  listen: 7,
  /** 0 or 1 */
  noDelay: 8,
  /** 0 or 1, seconds */
  keepAlive: 9,
  /** ms, 0: none */
  timeout: 10,
  /** connections, -1: no limit */
  maxConnections: 11,
} as const;

/** The words behind the head of each command, by its number. */
export const COMMAND_WORDS = [0, 1, 1, 0, 1, 0, 7, 5, 1, 2, 1, 1] as const;

/** Of `connect` and `listen`. The family is 4, 6, or 0 for both. */
export const Flag = {
  isPath: 8,
  isList: 16,
  paused: 32,
  ipv6Only: 64,
  readableAll: 128,
  writableAll: 256,
  onlyFirst: 512,
} as const;

/** To JS. */
export const Report = {
  slab: 0,
  data: 1,
  large: 2,
  end: 3,
  written: 4,
  finished: 5,
  error: 6,
  closed: 7,
  connected: 8,
  accepted: 9,
  dropped: 10,
  listening: 11,
  timedOut: 12,
  lookup: 13,
  attempt: 14,
} as const;

/** The system call that failed, by its number in an `error` report. */
export const CALLS = [
  'read',
  'write',
  'shutdown',
  'connect',
  'getaddrinfo',
  'listen',
  'accept',
  'bind',
] as const;

/** Which way a loop ended, in a `closed` report. */
export const Closed = { asAsked: 0, stopped: 1, destroyed: 2 } as const;
