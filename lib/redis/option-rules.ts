// What each option of a client must be. No complaint repeats what was given: it may be a password.

import { isIP } from 'node:net';
import { platform } from 'node:process';
import { SideloopTypeError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import type { AttachOptions, Bounds, RedisOptions } from './options.js';

/** What the value of an option must be. */
export interface OptionRule {
  /** What it must be, where it is not that. */
  complaint(value: unknown): string | undefined;
  /** The value that this text means, as a URL has it; undefined where it can't be text. */
  ofText?: (text: string) => unknown;
  /** Text counts outside of URLs too, since environment variables are text. */
  takesText?: true;
  /** null means: no limit. For others it means: not given. */
  takesNull?: true;
}

const asIs = (text: string): string => text;
const numberOf = (text: string): unknown => (/^\d{1,15}$/.test(text) ? Number(text) : text);
const flagOf = (text: string): unknown => text === 'true' || (text === 'false' ? false : text);

const text: OptionRule = {
  complaint: (value) => (typeof value === 'string' ? undefined : 'a string'),
  ofText: asIs,
};

// sockaddr_un.sun_path of Linux, and of the BSDs and macOS, less the byte at its end, or the name of a pipe of Windows'.
const LONGEST_PATH = platform === 'linux' ? 107 : platform === 'win32' ? 256 : 103;

const socketPath: OptionRule = {
  complaint: (value) =>
    typeof value !== 'string'
      ? 'a string'
      : value.includes('\0') || Buffer.byteLength(value) > LONGEST_PATH
        ? `a path without NUL, of at most ${LONGEST_PATH} bytes: that is all the system takes for a socket`
        : undefined,
  ofText: asIs,
};

const flag: OptionRule = {
  complaint: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  ofText: flagOf,
};

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function whole(min: number, max: number): OptionRule {
  return {
    complaint: (value) =>
      isWhole(value, min, max) ? undefined : `a whole number from ${min} to ${max}`,
    ofText: numberOf,
  };
}

function oneOf(...choices: readonly unknown[]): OptionRule {
  return {
    complaint: (value) =>
      choices.includes(value)
        ? undefined
        : `one of ${choices.map((c) => JSON.stringify(c)).join(', ')}`,
    ofText: (word) => choices.find((choice) => String(choice) === word) ?? word,
  };
}

const LONGEST_MS = 2 ** 31;

const limit: OptionRule = {
  complaint: (value) =>
    value === null || isWhole(value, 1, LONGEST_MS)
      ? undefined
      : `null or a whole number of ms from 1 to ${LONGEST_MS}`,
  ofText: numberOf,
  takesNull: true,
};

// Only an address of IPv6 has colons of its own.
const hasPort = (host: string): boolean => host.includes(':') && isIP(host) !== 6;

const BOUND_RULES: { readonly [Name in keyof Bounds]: OptionRule } = {
  maxPendingCommands: whole(1, 2 ** 31 - 1),
  maxPendingBytes: whole(1, Number.MAX_SAFE_INTEGER),
  maxPendingReplyBytes: whole(1, Number.MAX_SAFE_INTEGER),
  maxThreadReplyBytes: whole(1, Number.MAX_SAFE_INTEGER),
  whenFull: oneOf('reject', 'wait'),
};

/** Of the options of one client, whoever has made its connection. */
export const CLIENT_RULES: { readonly [Name in keyof AttachOptions]-?: OptionRule } = {
  ...BOUND_RULES,
  stringNumbers: flag,
  bigNumbers: oneOf('string', 'bigint'),
};

export const OPTION_RULES: { readonly [Name in keyof RedisOptions]-?: OptionRule } = {
  ...CLIENT_RULES,
  loop: { complaint: (value) => (value instanceof EventLoop ? undefined : 'an EventLoop') },
  host: {
    complaint: (value) => {
      // A URL in its place would be in the error that tells that it does not resolve, and of 'a\0b' the resolver reads 'a'.
      if (typeof value !== 'string' || !/^[^\s/@\p{Cc}]+$/u.test(value) || hasPort(value)) {
        return 'a host name or address; a whole URL is the first argument';
      }
      // The resolver would make an address of it: 0.0.24.235 of 6379.
      return /^\d+$/.test(value)
        ? 'a host name or address, and no number: a port stands alone, or behind a host as in 127.0.0.1:6379/0'
        : undefined;
    },
    ofText: asIs,
  },
  port: { ...whole(1, 65_535), takesText: true },
  family: oneOf(0, 4, 6),
  path: socketPath,
  username: text,
  password: text,
  db: { ...whole(0, 2 ** 31 - 1), takesText: true },
  connectionName: {
    complaint: (value) =>
      typeof value === 'string' && /^[!-~]*$/.test(value) ? undefined : 'ASCII text without spaces',
    ofText: asIs,
  },
  protocol: oneOf(2, 3),
  lazyConnect: flag,
  connectTimeout: limit,
  silenceTimeout: limit,
  commandTimeout: limit,
  keepAlive: limit,
  enableReadyCheck: flag,
  maxLoadingRetryTime: whole(1, LONGEST_MS),
  reconnect: flag,
  reconnectMinDelay: whole(1, LONGEST_MS),
  reconnectMaxDelay: whole(1, LONGEST_MS),
  maxRetriesPerRequest: {
    complaint: (value) =>
      value === null || isWhole(value, 0, 1_000_000)
        ? undefined
        : 'null or a whole number from 0 to 1000000',
    ofText: numberOf,
    takesNull: true,
  },
};

/** The error for an option that is not what it must be. */
export function wrongOption(name: string, expected: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${name} must be ${expected}.`);
}
