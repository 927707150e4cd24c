// What stands for a loop or a connection in another JS thread of the process.

import { randomUUID } from 'node:crypto';
import { SideloopError } from './errors.js';

declare const kind: unique symbol;

/**
 * Stands for a loop, in any thread of the process: `EventLoop.attach(handle)`. It is a string, so it passes through
 * `workerData` and `postMessage`; what it contains is nobody's business. Whoever knows it may use and stop the loop.
 */
export type LoopHandle = string & { readonly [kind]: 'loop' };

/** Stands for a Redis connection, in any thread of the process: `Redis.attach(handle)`. A string, like a {@link LoopHandle}. */
export type RedisHandle = string & { readonly [kind]: 'redis' };

/** A handle that nobody can guess, of a loop or of something on one. */
export function newHandle(of: 'loop' | 'redis'): string {
  return `sideloop-${of}-${randomUUID()}`;
}

// A UUID has none.
const SEPARATOR = '@';

/** The handle of a connection says which loop it is on. */
export function redisHandle(connection: string, loop: LoopHandle): RedisHandle {
  return `${connection}${SEPARATOR}${loop}` as RedisHandle;
}

/** The loop's part of a connection's handle. */
export function loopOf(handle: RedisHandle): LoopHandle {
  return handle.slice(handle.indexOf(SEPARATOR) + 1) as LoopHandle;
}

/** The error for a handle that stands for nothing here. */
export function handleError(of: 'loop' | 'redis', handle: unknown, cause?: unknown): SideloopError {
  const maker = of === 'loop' ? 'EventLoop' : 'Redis';
  const isOfIt = typeof handle === 'string' && handle.startsWith(`sideloop-${of}-`);
  return new SideloopError(
    'ERR_SIDELOOP_HANDLE',
    isOfIt
      ? `Nothing that is open in this process has this handle: it was stopped or closed, its maker's thread has ended, or ` +
          `the handle is from another process. Read \`handle\` of the ${maker} that is in use, and pass that on.`
      : `This is not the handle of ${of === 'loop' ? 'an EventLoop' : 'a Redis client'}: pass on what its \`handle\` says, unchanged.`,
    { cause },
  );
}
