// What stands for a loop or a connection in another JS thread of the process.

import { randomUUID } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import { SideloopError } from './errors.js';

declare const kind: unique symbol;

/**
 * Stands for a loop, in any thread of the process: `EventLoop.attach(handle)`. It is a string, so it passes through
 * `workerData` and `postMessage`; what it contains is nobody's business. Whoever knows it may use and stop the loop.
 */
export type LoopHandle = string & { readonly [kind]: 'loop' };

/** Stands for a Redis connection, in any thread of the process: `Redis.attach(handle)`. A string, like a {@link LoopHandle}. */
export type RedisHandle = string & { readonly [kind]: 'redis' };

// A UUID has neither.
const OWNER = '.';
const LOOP = '@';

/** A handle of a loop of this thread, which nobody can guess. It says whose loop it is. */
export function newLoopHandle(): LoopHandle {
  return `sideloop-loop-${randomUUID()}${OWNER}${threadId}` as LoopHandle;
}

/** The id of the thread that made the loop; undefined where the handle is none. */
export function ownerOf(handle: LoopHandle): number | undefined {
  const match = /^sideloop-loop-[^.]+\.(\d+)$/.exec(String(handle));
  return match === null ? undefined : Number(match[1]);
}

/** A handle of a connection on `loop`. */
export function newRedisHandle(loop: LoopHandle): RedisHandle {
  return `sideloop-redis-${randomUUID()}${LOOP}${loop}` as RedisHandle;
}

/** The loop's part of a connection's handle. */
export function loopOf(handle: RedisHandle): LoopHandle {
  return handle.slice(handle.indexOf(LOOP) + 1) as LoopHandle;
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
