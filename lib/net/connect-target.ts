// Where a socket is told to connect to, with every option checked and every default filled in.

import { ADDRCONFIG, ALL, V4MAPPED } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { EventLoop } from '../event-loop.js';
import {
  argumentError,
  checkListener,
  checkLoop,
  checkMs,
  checkPort,
  checkText,
} from './arguments.js';
import type { LookupQuestion } from './lookup.js';
import { type ConnectOptions, checkConnectNames } from './options.js';
import { Flag } from './wire.js';

const DEFAULT_ATTEMPT_MS = 250;
const KNOWN_HINTS = ADDRCONFIG | V4MAPPED | ALL;

/** What `connect` was asked for, checked. */
export interface ConnectTarget {
  loop: EventLoop | undefined;
  isPipe: boolean;
  host: string;
  port: number;
  family: 0 | 4 | 6;
  flags: number;
  /** Asked for the addresses of `host`. Undefined where that needs none, or the system is asked. */
  lookup: LookupFunction | undefined;
  /** What it is asked. */
  question: LookupQuestion;
  deadlineMs: number;
  attemptMs: number;
  localAddress: string;
  localPort: number;
  /** For setTimeout(). */
  timeoutMs: number | undefined;
}

/** @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` naming the option that is wrong. */
export function checkConnect(options: ConnectOptions): ConnectTarget {
  checkConnectNames(options);
  const family = checkFamily(options.family ?? 0);
  const lookup = options.lookup ?? undefined;
  if (lookup !== undefined) checkListener(lookup, 'lookup');
  // An empty one is none, in node:net too.
  const path = options.path ? checkText(options.path, 'path') : undefined;
  const host = path ?? checkText(options.host || 'localhost', 'host');
  const isName = path === undefined && isIP(host) === 0;
  const hints = checkHints(options.hints ?? 0);
  if (hints !== 0 && isName && lookup === undefined) {
    throw argumentError("hints are for a lookup of yours: the loop's resolver takes none.");
  }
  const triesAll = options.autoSelectFamily ?? true;
  if (typeof triesAll !== 'boolean') throw argumentError('autoSelectFamily must be a boolean.');
  const attemptMs = options.autoSelectFamilyAttemptTimeout ?? DEFAULT_ATTEMPT_MS;
  return {
    loop: checkLoop(options.loop),
    isPipe: path !== undefined,
    host,
    port: path === undefined ? checkPort(options.port) : 0,
    family,
    flags: family | (path === undefined ? 0 : Flag.isPath) | (triesAll ? 0 : Flag.onlyFirst),
    lookup: isName ? lookup : undefined,
    question: { family, hints: hints || defaultHints(family), all: triesAll },
    deadlineMs: checkMs(options.connectTimeout ?? 0, 'connectTimeout'),
    attemptMs: checkMs(attemptMs, 'autoSelectFamilyAttemptTimeout'),
    localAddress: checkAddress(options.localAddress ?? ''),
    localPort: checkPort(options.localPort ?? 0, 'localPort'),
    timeoutMs: options.timeout == null ? undefined : checkMs(options.timeout, 'timeout'),
  };
}

function checkHints(hints: unknown): number {
  if (Number.isInteger(hints) && ((hints as number) & ~KNOWN_HINTS) === 0) return hints as number;
  throw argumentError('hints must be a number made of dns.ADDRCONFIG, dns.V4MAPPED and dns.ALL.');
}

// As node:net asks: addresses of a kind that this machine has none of lead nowhere.
function defaultHints(family: number): number {
  return family === 0 && process.platform !== 'win32' ? ADDRCONFIG : 0;
}

function checkFamily(family: unknown): 0 | 4 | 6 {
  const number = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
  if (number === 0 || number === 4 || number === 6) return number;
  throw argumentError('family must be 0, 4 or 6.');
}

function checkAddress(address: unknown): string {
  if (typeof address === 'string' && (address === '' || isIP(address) !== 0)) return address;
  throw argumentError('localAddress must be an IP address.');
}
