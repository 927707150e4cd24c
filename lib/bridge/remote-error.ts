// Errors that were thrown in another thread.

import { types } from 'node:util';
import { SideloopError } from '../errors.js';
import { copyOf } from './copy.js';

/** The code of a call to a function that is not there. */
export const UNKNOWN = 'ERR_SIDELOOP_CALL_UNKNOWN';

/** An error as it crosses between threads. */
export interface ErrorRecord {
  name: string;
  message: string;
  code: string | undefined;
  stack: string | undefined;
  /** The value that was thrown, where it is no Error. */
  thrown: unknown;
}

/** What a function of the other thread threw. `name`, `message` and `code` are those of the original. */
export class RemoteError extends Error {
  override name = 'Error';
  /** The original's code; `ERR_SIDELOOP_REMOTE` where it had none. */
  readonly code: string;
  /** Where the original was thrown. */
  readonly remoteStack: string | undefined;

  constructor(record: ErrorRecord) {
    super(record.message, record.thrown === undefined ? undefined : { cause: record.thrown });
    this.name = record.name;
    this.code = record.code ?? 'ERR_SIDELOOP_REMOTE';
    this.remoteStack = record.stack;
  }
}

/** The error of a call that ended by `record`. */
export function errorOf(record: ErrorRecord): Error {
  const { name, code, message } = record;
  // This package's own words, not those of a function.
  if (name === 'SideloopError' && code === UNKNOWN) return new SideloopError(code, message);
  return new RemoteError(record);
}

/** What can be sent of something thrown. Never throws, whatever that is. */
export function recordOf(thrown: unknown): ErrorRecord {
  // The latter of another realm, such as a vm context.
  if (thrown instanceof Error || types.isNativeError(thrown)) {
    return {
      name: textOf(thrown, 'name') ?? 'Error',
      message: textOf(thrown, 'message') ?? '',
      code: textOf(thrown, 'code'),
      // Error.prepareStackTrace may make anything of it.
      stack: textOf(thrown, 'stack'),
      thrown: undefined,
    };
  }
  return {
    name: 'Error',
    message: `The function threw something that is no Error: ${typeof thrown}`,
    code: undefined,
    stack: undefined,
    thrown: cloneable(thrown),
  };
}

/** The property where it is text. */
function textOf(thrown: object, property: string): string | undefined {
  try {
    const value = (thrown as Record<string, unknown>)[property];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function cloneable(value: unknown): unknown {
  try {
    return copyOf(value);
  } catch {
    return undefined;
  }
}
