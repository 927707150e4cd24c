// The forms in which node:net takes its arguments, made into one, and what an argument has to be. As there, null is as good as
// nothing in an option.

import { SideloopTypeError } from '../errors.js';
import { EventLoop } from '../event-loop.js';
import type { ConnectOptions, ListenOptions } from './options.js';

/** The longest duration that a timer of the system takes, in ms. */
const LONGEST = 0x7fff_ffff;
// Beyond any name or path that a system takes.
const LONGEST_TEXT = 4096;

export function argumentError(message: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', message);
}

/** A port from `0`, or a text of digits. */
export function checkPort(port: unknown, name = 'port'): number {
  const number = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > 65535) {
    throw argumentError(`${name} must be a whole number from 0 to 65535.`);
  }
  return number as number;
}

/** A duration in ms. Longer ones than a timer takes become the longest. */
export function checkMs(ms: unknown, name: string): number {
  if (typeof ms !== 'number' || !(ms >= 0)) {
    throw argumentError(`${name} must be a number of ms, 0 or more.`);
  }
  return Math.min(Math.ceil(ms), LONGEST);
}

/** Whole seconds of a delay in ms, as the system counts it. */
export function secondsOf(ms: unknown, name = 'A delay'): number {
  return Math.floor(checkMs(ms, name) / 1000);
}

export function checkText(text: unknown, name: string): string {
  if (typeof text !== 'string' || text.length > LONGEST_TEXT || text.includes('\0')) {
    throw argumentError(`${name} must be a string without a NUL, of at most ${LONGEST_TEXT}.`);
  }
  return text;
}

export function checkLoop(loop: unknown): EventLoop | undefined {
  if (loop === undefined || loop === null) return undefined;
  if (loop instanceof EventLoop) return loop;
  throw argumentError('loop must be an EventLoop.');
}

export function checkListener(listener: unknown, name = 'A listener'): void {
  if (typeof listener !== 'function') throw argumentError(`${name} must be a function.`);
}

export function checkHighWaterMark(bytes: unknown): number | undefined {
  if (bytes === undefined || bytes === null) return undefined;
  if (Number.isSafeInteger(bytes) && (bytes as number) >= 0) return bytes as number;
  throw argumentError('highWaterMark must be a whole number of bytes, 0 or more.');
}

/** `options` with its pair of nothing where the caller gave none. */
type Arguments<Options> = [options: Options, listener: (() => void) | undefined];

/** `(options, listener?)`, `(port, host?, listener?)` or `(path, listener?)`. */
export function connectArguments(args: readonly unknown[]): Arguments<ConnectOptions> {
  const last = args.at(-1);
  const listener = typeof last === 'function' ? (last as () => void) : undefined;
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return [first as ConnectOptions, listener];
  if (isPath(first)) return [{ path: first }, listener];
  const options: ConnectOptions = { port: first as number };
  if (typeof second === 'string') options.host = second;
  return [options, listener];
}

/** `(options?, listener?)`, `(port?, host?, backlog?, listener?)` or `(path, backlog?, listener?)`. */
export function listenArguments(args: readonly unknown[]): Arguments<ListenOptions> {
  const last = args.at(-1);
  const listener = typeof last === 'function' ? (last as () => void) : undefined;
  const [first, second, third] = args;
  if (typeof first === 'object' && first !== null) return [first as ListenOptions, listener];
  const options: ListenOptions = {};
  if (isPath(first)) options.path = first;
  else if (first !== undefined && typeof first !== 'function') options.port = first as number;
  if (typeof second === 'string') options.host = second;
  const backlog = typeof second === 'number' ? second : third;
  if (typeof backlog === 'number') options.backlog = backlog;
  return [options, listener];
}

// As in node:net, a text of digits is a port.
function isPath(value: unknown): value is string {
  return typeof value === 'string' && !(Number(value) >= 0);
}
