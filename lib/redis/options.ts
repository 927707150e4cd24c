// What a client is told at its making, and what becomes of what it is not told.

import { type NativeRedis, type NativeRedisOptions, native } from '../binding.js';
import { SideloopTypeError } from '../errors.js';
import { EventLoop, internalsOf, loopByHandle } from '../event-loop.js';
import { handleError, loopOf, type RedisHandle } from '../handle.js';

/** Options of a client. Times are in ms; null means: no limit. */
export interface RedisOptions {
  /** The loop it lives on. Default: {@link EventLoop.shared}. */
  loop?: EventLoop;
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 6379. */
  port?: number;
  /** A Unix socket, in place of host and port. */
  path?: string;
  /** For servers with ACL. Default: the server's default user. */
  username?: string;
  /** Default: none is sent. */
  password?: string;
  /** The database to select. Default 0. */
  db?: number;
  /** What `CLIENT LIST` shows. Default: nothing. */
  connectionName?: string;
  /** 3: RESP3, and RESP2 where the server knows no better. 2: RESP2. Replies look the same. Default 3. */
  protocol?: 2 | 3;
  /** Do not connect before the first command or {@link Redis.connect}. Default false. */
  lazyConnect?: boolean;
  /** Until the connection is up and greeted. Default 10,000. */
  connectTimeout?: number | null;
  /**
   * With commands in flight and nothing arriving the connection is taken for dead after this. Commands that block on
   * the server are exempt. Default 30,000.
   */
  silenceTimeout?: number | null;
  /**
   * How long a reply may take to reach the loop thread; the command then rejects with
   * `ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT`, and the connection goes on. Commands that block on the server are exempt,
   * and those behind one wait for it. Default null.
   */
  commandTimeout?: number | null;
  /** Idle time before the kernel probes the peer. Default 60,000. */
  keepAlive?: number | null;
  /** Whether to come back when the connection is lost. Default true. */
  reconnect?: boolean;
  /** The first delay before a reconnect; it doubles, half of it at random. Default 50. */
  reconnectMinDelay?: number;
  /** The longest delay before a reconnect. Default 2000. */
  reconnectMaxDelay?: number;
  /** Failed attempts to connect after which waiting commands reject. Default 10. */
  maxRetriesPerRequest?: number;
  /** Commands that may be pending at a time. Default 100,000. */
  maxPendingCommands?: number;
  /** UTF-16 units and bytes of arguments that may be pending at a time. Default 268,435,456. */
  maxPendingBytes?: number;
  /** At either bound: `reject` with `ERR_SIDELOOP_REDIS_FULL`, or `wait` for room. Default `reject`. */
  whenFull?: 'reject' | 'wait';
}

/** Options of a client on another's connection: those of the connection are its maker's to choose. */
export type AttachOptions = Pick<
  RedisOptions,
  'maxPendingCommands' | 'maxPendingBytes' | 'whenFull'
>;

/** How much a client may have pending, and what it does then. */
export interface Bounds {
  maxPendingCommands: number;
  maxPendingBytes: number;
  whenFull: 'reject' | 'wait';
}

/** What a client is made of. */
export interface Making extends Bounds {
  loop: EventLoop;
  native: NativeRedis;
  /** The connection's handle, where the client is not its first. */
  handle: RedisHandle | undefined;
  /** Whether to connect at once. */
  open: boolean;
}

/** The forms in which a client is made: `(options)`, `(url, options)`, `(port, host, options)`, `('/a/socket', options)`. */
export type RedisArguments =
  | [options?: RedisOptions]
  | [urlOrPath: string, options?: RedisOptions]
  | [port: number, options?: RedisOptions]
  | [port: number, host: string, options?: RedisOptions];

/** The connection that another client has made, and the bounds of one more client of it. */
export class Attaching {
  constructor(
    readonly handle: RedisHandle,
    readonly options: AttachOptions,
  ) {}
}

/**
 * Makes the native side of a client.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong.
 * @throws SideloopError `ERR_SIDELOOP_HANDLE` where no open connection has the handle.
 */
export function makeClient(args: RedisArguments | [Attaching]): Making {
  const [first] = args;
  if (first instanceof Attaching) return attach(first);
  const given = fromArguments(args as RedisArguments);
  const value = chooser(given, Object.keys(CHECKS));
  const options: NativeRedisOptions = {
    host: value('host', '127.0.0.1'),
    port: value('port', 6379),
    path: value('path', ''),
    username: value('username', ''),
    password: value('password', ''),
    db: value('db', 0),
    clientName: value('connectionName', ''),
    protocol: value('protocol', 3),
    connectTimeout: value('connectTimeout', 10_000),
    silenceTimeout: value('silenceTimeout', 30_000),
    commandTimeout: value('commandTimeout', null),
    keepAlive: value('keepAlive', 60_000),
    reconnect: value('reconnect', true),
    backoffMin: value('reconnectMinDelay', 50),
    backoffMax: value('reconnectMaxDelay', 2000),
    maxRetriesPerRequest: value('maxRetriesPerRequest', 10),
  };
  if (options.backoffMin > options.backoffMax) {
    throw wrong('reconnectMinDelay', 'at most reconnectMaxDelay');
  }
  if (options.username !== '' && options.password === '') {
    throw wrong('username', 'given together with a password');
  }
  const open = !value('lazyConnect', false);
  const bounds = boundsOf(value);
  const loop: EventLoop = value('loop', null) ?? EventLoop.shared();
  const made = new native.RedisWrap(internalsOf(loop).native, options);
  return { ...bounds, loop, native: made, handle: undefined, open };
}

function attach({ handle, options }: Attaching): Making {
  const bounds = boundsOf(chooser(asObject(options), Object.keys(BOUNDS)));
  if (typeof handle !== 'string') throw handleError('redis', handle);
  try {
    const loop = loopByHandle(loopOf(handle));
    return { ...bounds, loop, native: new native.RedisWrap(handle), handle, open: false };
  } catch (cause) {
    throw handleError('redis', handle, cause);
  }
}

type Chooser = <K extends keyof RedisOptions>(
  name: K,
  fallback: NonNullable<RedisOptions[K]> | null,
) => never;

/** Gives the options by name, checked, or what stands for one that is not given. */
function chooser(given: RedisOptions, known: readonly string[]): Chooser {
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        `${name} is not an option of this client; see RedisOptions and AttachOptions.`,
      );
    }
  }
  return (name, fallback) => {
    const chosen = given[name];
    if (chosen === undefined) return fallback as never;
    const complaint = CHECKS[name](chosen);
    if (complaint !== undefined) throw wrong(name, complaint);
    return chosen as never;
  };
}

function boundsOf(value: Chooser): Bounds {
  return {
    maxPendingCommands: value('maxPendingCommands', 100_000),
    maxPendingBytes: value('maxPendingBytes', 256 * 1024 * 1024),
    whenFull: value('whenFull', 'reject'),
  };
}

function fromArguments(args: RedisArguments): RedisOptions {
  const [first, second, third] = args;
  if (typeof first === 'number') {
    return typeof second === 'string'
      ? { ...third, port: first, host: second }
      : { ...second, port: first };
  }
  if (typeof first === 'string') {
    const options = asObject(second);
    return first.startsWith('/') ? { ...options, path: first } : { ...fromUrl(first), ...options };
  }
  return { ...asObject(first) };
}

function asObject(options: unknown): RedisOptions {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object');
  return options;
}

/** `redis://user:password@host:port/db` */
function fromUrl(text: string): RedisOptions {
  let url: URL;
  try {
    url = new URL(text.includes('://') ? text : `redis://${text}`);
  } catch {
    throw wrong('url', `like redis://user:password@host:6379/0, not ${JSON.stringify(text)}`);
  }
  if (url.protocol === 'rediss:') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_REDIS_TLS',
      'TLS (rediss://) is not supported yet. Use redis:// through a local TLS proxy such as stunnel.',
    );
  }
  if (url.protocol !== 'redis:') throw wrong('url', 'one with the scheme redis://');
  const options: RedisOptions = {};
  // The URL standard writes IPv6 addresses in brackets.
  if (url.hostname !== '') options.host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.port !== '') options.port = Number(url.port);
  if (url.username !== '') options.username = decodeURIComponent(url.username);
  if (url.password !== '') options.password = decodeURIComponent(url.password);
  const db = url.pathname.slice(1);
  if (db !== '') {
    if (!/^\d+$/.test(db)) throw wrong('url', 'one whose path is the number of a database');
    options.db = Number(db);
  }
  return options;
}

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' ? undefined : 'a string');
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');
const whole =
  (min: number, max: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `a whole number from ${min} to ${max}`;
const oneOf =
  (...choices: unknown[]): Check =>
  (value) =>
    choices.includes(value)
      ? undefined
      : `one of ${choices.map((c) => JSON.stringify(c)).join(', ')}`;
const limit: Check = (value) =>
  value === null || whole(1, 2 ** 31)(value) === undefined
    ? undefined
    : `null or a whole number of ms from 1 to ${2 ** 31}`;

const BOUNDS: Record<keyof Bounds, Check> = {
  maxPendingCommands: whole(1, 2 ** 31 - 1),
  maxPendingBytes: whole(1, Number.MAX_SAFE_INTEGER),
  whenFull: oneOf('reject', 'wait'),
};

const CHECKS: Record<keyof RedisOptions, Check> = {
  ...BOUNDS,
  loop: (value) => (value instanceof EventLoop ? undefined : 'an EventLoop'),
  host: (value) =>
    typeof value === 'string' && value !== '' ? undefined : 'a host name or address',
  port: whole(1, 65_535),
  path: text,
  username: text,
  password: text,
  db: whole(0, 2 ** 31 - 1),
  connectionName: (value) =>
    typeof value === 'string' && /^[!-~]*$/.test(value) ? undefined : 'ASCII text without spaces',
  protocol: oneOf(2, 3),
  lazyConnect: flag,
  connectTimeout: limit,
  silenceTimeout: limit,
  commandTimeout: limit,
  keepAlive: limit,
  reconnect: flag,
  reconnectMinDelay: whole(1, 2 ** 31),
  reconnectMaxDelay: whole(1, 2 ** 31),
  maxRetriesPerRequest: whole(0, 1_000_000),
};

function wrong(name: string, expected: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${name} must be ${expected}.`);
}
