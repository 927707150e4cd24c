// Where a socket is told to connect to, with every option checked and every default filled in.

import { isIP } from 'node:net';
import { SideloopTypeError } from '../errors.js';
import {
  type ConnectOptions,
  checkConnectNames,
  checkListener,
  checkMs,
  checkPort,
  checkText,
} from './options.js';
import { Flag } from './wire.js';

const DEFAULT_ATTEMPT_MS = 250;

/** What `connect` was asked for, checked. */
export interface ConnectTarget {
  host: string;
  port: number;
  family: 0 | 4 | 6;
  flags: number;
  deadlineMs: number;
  attemptMs: number;
  localAddress: string;
  localPort: number;
}

export function checkConnect(options: ConnectOptions): ConnectTarget {
  checkConnectNames(options);
  const { path, family = 0, localAddress = '', localPort = 0, connectTimeout = 0 } = options;
  const number = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family;
  if (number !== 0 && number !== 4 && number !== 6) {
    throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'family must be 0, 4 or 6.');
  }
  if (localAddress !== '' && isIP(localAddress) === 0) {
    throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'localAddress must be an IP address.');
  }
  if (options.lookup !== undefined) checkListener(options.lookup);
  const attemptMs = options.autoSelectFamilyAttemptTimeout ?? DEFAULT_ATTEMPT_MS;
  return {
    host:
      path === undefined ? checkText(options.host || 'localhost', 'host') : checkText(path, 'path'),
    port: path === undefined ? checkPort(options.port) : 0,
    family: number,
    flags: number | (path === undefined ? 0 : Flag.isPath),
    deadlineMs: checkMs(connectTimeout, 'connectTimeout'),
    attemptMs: checkMs(attemptMs, 'autoSelectFamilyAttemptTimeout'),
    localAddress,
    localPort: checkPort(localPort, 'localPort'),
  };
}

/** Whole seconds of a delay in ms, as the system counts it. */
export function secondsOf(ms: number): number {
  return Math.floor(checkMs(ms, 'A delay') / 1000);
}
