// What a client is told at its making, and what becomes of what it is not told.

import { type NativeRedis, type NativeRedisOptions, native } from '../binding.js';
import { EventLoop, internalsOf, loopByHandle } from '../event-loop.js';
import { handleError, loopOf, type RedisHandle } from '../handle.js';
import { asciiName } from '../host-name.js';
import { checkNames } from '../options.js';
import { optionsOf, type RedisArguments } from './client-arguments.js';
import { CLIENT_RULES, OPTION_RULES, type OptionRule, wrongOption } from './option-rules.js';

// Of the 32 bits that the native side has for it.
const NO_LIMIT = 2 ** 32 - 1;

/**
 * Options of a client. Times are in ms; null means no limit where it is one, else that the option is not given. Port and
 * database may be text, as environment variables have them.
 */
export interface RedisOptions {
  /** The loop it lives on. Default: {@link EventLoop.shared}. */
  loop?: EventLoop;
  /** Default `127.0.0.1`. */
  host?: string | null;
  /** Default 6379. */
  port?: number | string | null;
  /** Which addresses of the host's name to use: 4, 6, or 0 for both. Default 0. */
  family?: 0 | 4 | 6;
  /** A Unix socket, in place of host and port. */
  path?: string | null;
  /** For servers with ACL. Default: the server's default user. */
  username?: string | null;
  /** Default: none is sent. */
  password?: string | null;
  /** The database to select. Default 0. */
  db?: number | string | null;
  /** What `CLIENT LIST` shows. Default: nothing. */
  connectionName?: string | null;
  /** 3: RESP3, and RESP2 where the server knows no better. 2: RESP2. Replies look the same. Default 3. */
  protocol?: 2 | 3;
  /** Do not connect before the first command or {@link Redis.connect}. Default false. */
  lazyConnect?: boolean;
  /** Until the connection is up, and for each answer to its greeting. Default 10,000. */
  connectTimeout?: number | null;
  /**
   * Whether commands wait while the server loads its data (`LOADING`), or is a replica that serves nothing without its
   * master (`MASTERDOWN`); `ready` comes when it serves. One that it refuses so on a connection that was ready waits too,
   * where it can be sent again in its order. Where this is false they go out, and reject with what it says. Default true.
   */
  enableReadyCheck?: boolean;
  /** The longest pause before such a server is asked again; pauses are an eighth of the time it takes. Default 10,000. */
  maxLoadingRetryTime?: number;
  /**
   * With commands in flight and nothing arriving the connection is taken for dead after this. Where the oldest of them was
   * told to wait at the server (BLPOP, WAIT, XREAD with BLOCK), after as long beyond that; never where it waits for ever.
   * Default 30,000.
   */
  silenceTimeout?: number | null;
  /**
   * How long a reply may take to reach the loop thread; the command then rejects with
   * `ERR_SIDELOOP_REDIS_COMMAND_TIMEOUT`, and the connection goes on. A command that was told to wait at the server may
   * take that time and `silenceTimeout`; one that waits for ever has no deadline. Those behind it keep their own, as they
   * may run late: give what waits a client of its own. A command that rejected so is pending no more, and makes room for
   * the next one, unless it stands behind one that waits at the server; of the reply that is owed only the number is kept.
   * Default null.
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
  /** Failed attempts to connect after which waiting commands reject; null: they wait. Default 10. */
  maxRetriesPerRequest?: number | null;
  /** Commands that may be pending at a time. Default 100,000. */
  maxPendingCommands?: number;
  /** UTF-16 units and bytes of arguments that may be pending at a time. Default 268,435,456. */
  maxPendingBytes?: number;
  /**
   * Bytes of replies, half of one included, that may wait for this thread to take them, as while it is busy. Above it the
   * client stops reading from the server, and goes on at half of it; deadlines and silence do not count meanwhile. Where it
   * shares its connection, the others are not held up: what it has in flight rejects with `ERR_SIDELOOP_REDIS_REPLIES_FULL`
   * and may have run. It counts against `maxPendingCommands` and `maxPendingBytes` until the server has answered it. A single
   * reply may be larger. Default 67,108,864.
   */
  maxPendingReplyBytes?: number;
  /** The same for the replies of all clients of this thread: above it this client acts so. Default 268,435,456. */
  maxThreadReplyBytes?: number;
  /**
   * At the bound of commands or of their bytes: `reject` with `ERR_SIDELOOP_REDIS_FULL`, or `wait` for room. Default
   * `reject`.
   */
  whenFull?: 'reject' | 'wait';
  /** Integers of replies arrive as strings, all of them. Default false. */
  stringNumbers?: boolean;
  /**
   * What an integer of a reply is that a number can't hold exactly, beyond 2^53 - 1 or its negative: its digits as a
   * `string`, or a `bigint`. All others are numbers. Default `string`.
   */
  bigNumbers?: 'string' | 'bigint';
}

/** Options of a client on another's connection: those of the connection are its maker's to choose. */
export type AttachOptions = Pick<
  RedisOptions,
  | 'maxPendingCommands'
  | 'maxPendingBytes'
  | 'maxPendingReplyBytes'
  | 'maxThreadReplyBytes'
  | 'whenFull'
  | 'stringNumbers'
  | 'bigNumbers'
>;

/** How much a client may have pending, and what it does then. */
export interface Bounds {
  maxPendingCommands: number;
  maxPendingBytes: number;
  maxPendingReplyBytes: number;
  maxThreadReplyBytes: number;
  whenFull: 'reject' | 'wait';
}

/** What a client is made of. */
export interface Making extends Bounds {
  loop: EventLoop;
  native: NativeRedis;
  /** Makes another one, for another life of the client. */
  again: () => NativeRedis;
  /** The connection's handle, where the client is not its first. */
  handle: RedisHandle | undefined;
  /** Whether to connect at once. */
  open: boolean;
}

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
  const value = chooser(optionsOf(args as RedisArguments), OPTION_RULES);
  const options: NativeRedisOptions = {
    host: asciiName(value('host', '127.0.0.1')),
    port: Number(value('port', 6379)),
    family: value('family', 0),
    path: value('path', ''),
    username: value('username', ''),
    password: value('password', ''),
    db: Number(value('db', 0)),
    clientName: value('connectionName', ''),
    protocol: value('protocol', 3),
    connectTimeout: value('connectTimeout', 10_000),
    silenceTimeout: value('silenceTimeout', 30_000),
    commandTimeout: value('commandTimeout', null),
    keepAlive: value('keepAlive', 60_000),
    readyCheck: value('enableReadyCheck', true),
    readyCheckMax: value('maxLoadingRetryTime', 10_000),
    reconnect: value('reconnect', true),
    backoffMin: value('reconnectMinDelay', 50),
    backoffMax: value('reconnectMaxDelay', 2000),
    maxRetriesPerRequest: value('maxRetriesPerRequest', 10) ?? NO_LIMIT,
  };
  if (options.backoffMin > options.backoffMax) {
    throw wrongOption('reconnectMinDelay', 'at most reconnectMaxDelay');
  }
  if (options.username !== '' && options.password === '') {
    throw wrongOption('username', 'given together with a password');
  }
  const open = !value('lazyConnect', false);
  const bounds = boundsOf(value);
  const loop: EventLoop = value('loop', null) ?? EventLoop.shared();
  const integers = integersOf(value);
  const { maxPendingReplyBytes, maxThreadReplyBytes } = bounds;
  const again = () =>
    new native.RedisWrap(
      internalsOf(loop).native,
      options,
      integers,
      maxPendingReplyBytes,
      maxThreadReplyBytes,
    );
  return { ...bounds, loop, native: again(), again, handle: undefined, open };
}

function attach({ handle, options }: Attaching): Making {
  const given = options ?? {};
  checkNames(given, CLIENT_RULES, 'Redis.attach()');
  const value = chooser([given], CLIENT_RULES);
  const bounds = boundsOf(value);
  const integers = integersOf(value);
  if (typeof handle !== 'string') throw handleError('redis', handle);
  const orHandleError = <T>(make: () => T): T => {
    try {
      return make();
    } catch (cause) {
      throw handleError('redis', handle, cause);
    }
  };
  const loop = orHandleError(() => loopByHandle(loopOf(handle)));
  const { maxPendingReplyBytes, maxThreadReplyBytes } = bounds;
  const again = () =>
    orHandleError(
      () => new native.RedisWrap(handle, integers, maxPendingReplyBytes, maxThreadReplyBytes),
    );
  return { ...bounds, loop, native: again(), again, handle, open: false };
}

type Chooser = <K extends keyof RedisOptions>(
  name: K,
  fallback: NonNullable<RedisOptions[K]> | null,
) => never;

/** Gives the options by name, of the first of `given` that has it, checked; or what stands for one that is not given. */
function chooser(
  given: readonly RedisOptions[],
  rules: Partial<Record<keyof RedisOptions, OptionRule>>,
): Chooser {
  return (name, fallback) => {
    const { complaint, ofText, takesText, takesNull } = rules[name] as OptionRule;
    for (const options of given) {
      let chosen: unknown = options[name];
      if (chosen === undefined || (chosen === null && !takesNull)) continue;
      if (takesText && typeof chosen === 'string') chosen = ofText?.(chosen);
      const expected = complaint(chosen);
      if (expected !== undefined) throw wrongOption(name, expected);
      return chosen as never;
    }
    return fallback as never;
  };
}

function boundsOf(value: Chooser): Bounds {
  return {
    maxPendingCommands: value('maxPendingCommands', 100_000),
    maxPendingBytes: value('maxPendingBytes', 256 * 1024 * 1024),
    maxPendingReplyBytes: value('maxPendingReplyBytes', 64 * 1024 * 1024),
    maxThreadReplyBytes: value('maxThreadReplyBytes', 256 * 1024 * 1024),
    whenFull: value('whenFull', 'reject'),
  };
}

/** An IntegerForm of native/cross/integer_form.h. */
function integersOf(value: Chooser): number {
  const asText: boolean = value('stringNumbers', false);
  const asBigInt = value('bigNumbers', 'string') === 'bigint';
  if (asText && asBigInt) {
    throw wrongOption('bigNumbers', "'string' where stringNumbers is true");
  }
  return asText ? 2 : Number(asBigInt);
}
