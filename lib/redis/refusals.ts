// The errors of commands that a client refuses, before the connection hears of them.

import { RedisError, type SideloopError, SideloopTypeError } from '../errors.js';

/** The client was closed, by its owner or with its connection. */
export function closedError(command?: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_CLOSED',
    'The client was closed. Call connect(), or make a new one.',
    command,
  );
}

/** So many commands of so many bytes are pending that it takes no more. */
export function fullError(commands: number, bytes: number, command?: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_FULL',
    `${commands} commands (${bytes} bytes) are pending, which is the bound. Await some of ` +
      "them first, raise maxPendingCommands or maxPendingBytes, or set whenFull: 'wait'.",
    command,
  );
}

/** A transaction goes out as one, and would never have room. */
export function tooLargeError(commands: number, bytes: number): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_FULL',
    `The transaction has ${commands} commands (${bytes} bytes), which is more than the client may have pending at a time: ` +
      'divide it, or raise maxPendingCommands or maxPendingBytes.',
    'EXEC',
  );
}

/** The loop takes no job: it is full, or it was stopped. */
export function refusedError(loopIsOpen: boolean, command?: string): SideloopError {
  return loopIsOpen
    ? new RedisError(
        'ERR_SIDELOOP_MAILBOX_FULL',
        "The loop's mailbox is full. The command was not sent: repeat it when the loop has caught up, or give the loop " +
          'a larger mailboxCapacity.',
        command,
      )
    : new RedisError(
        'ERR_SIDELOOP_STOPPED',
        'The loop was stopped. The command was not sent: it is safe to repeat on a client of another loop.',
        command,
      );
}

/** A command that waits at the server, on a connection that others use too. */
export function blockingError(command: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_UNSUPPORTED',
    `${command} would hold up everybody who shares this connection for as long as it waits. Make a client of your own ` +
      'for it: new Redis(..., { loop }).',
    command,
  );
}

/** What would be done to all who share a connection. */
export function sharedError(method: string): SideloopError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_UNSUPPORTED',
    `${method} would fail the commands of all who share this connection. Call disconnect() to leave it, or make a client ` +
      'of your own: new Redis(..., { loop }).',
  );
}

/** A function among the arguments, which would never be called. */
export function callbackError(method: string): SideloopTypeError {
  return new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `${method} was given a function. There are no callbacks here: await the promise that is returned.`,
  );
}

/**
 * Of a method without parameters.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where it was given something.
 */
export function refuseArguments(method: string, given: readonly unknown[]): void {
  if (given.length === 0) return;
  if (typeof given.at(-1) === 'function') throw callbackError(method);
  throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${method} takes no arguments.`);
}
