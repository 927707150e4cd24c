// The errors of a producer.

import { RedisError, SideloopError, SideloopTypeError } from '../errors.js';
import type { Added } from './producer-options.js';

/** Some jobs of an `addMany()` were not added. `code` is `ERR_SIDELOOP_ADD_MANY`, `cause` the first one's error. */
export class AddManyError extends SideloopError {
  /** What became of each job, in the order given. */
  readonly results: readonly PromiseSettledResult<Added>[];

  constructor(results: readonly PromiseSettledResult<Added>[]) {
    const failed = results.filter((result) => result.status === 'rejected');
    super(
      'ERR_SIDELOOP_ADD_MANY',
      `${failed.length} of ${results.length} jobs were not added, or are not known to be: see results. Those with an ` +
        'idempotencyKey can safely be added again.',
      { cause: failed[0]?.reason },
    );
    this.name = 'AddManyError';
    this.results = results;
  }
}

/** The producer takes no more. */
export function closedError(): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_PRODUCER_CLOSED',
    'The producer was closed. Nothing was added: make a new one.',
  );
}

/** So many jobs wait already. */
export function backlogError(key: string, length: number, most: number): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_BACKLOG_FULL',
    `${key} holds ${length} jobs, and maxBacklog is ${most}. Nothing was added: add it again when consumers have caught up. ` +
      'Entries that were acked count too, where the stream has several groups or consumers keep them.',
  );
}

/** What came is nothing that this command is answered by. */
export function strangeAnswer(command: string): RedisError {
  return new RedisError(
    'ERR_SIDELOOP_REDIS_PROTOCOL',
    `${command} was not answered as Redis answers it: look at what is between. The job may have been added.`,
    command,
    true,
  );
}

/** An option, or a part of a job, that can't be. */
export function wrong(name: string, rule: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${name} must be ${rule}.`);
}
