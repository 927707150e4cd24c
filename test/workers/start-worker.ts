import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** A Worker of one of the files here. */
export interface StartedWorker {
  worker: Worker;
  /** The next thing it says. Rejects where it throws or ends instead. */
  said(): Promise<unknown>;
  /** Has it go on. */
  tell(message?: unknown): void;
  /** Its exit code, once it has ended. */
  ended: Promise<number>;
}

/** Starts the case `name` of worker.mjs, or of another file. */
export function startWorker(
  name: string,
  data: Record<string, unknown> = {},
  file = 'worker.mjs',
): StartedWorker {
  const worker = new Worker(new URL(file, import.meta.url), {
    workerData: { name, ...data },
  });
  const messages: unknown[] = [];
  const waiting: { resolve: (message: unknown) => void; reject: (error: unknown) => void }[] = [];
  worker.on('message', (message) => {
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(message);
    else messages.push(message);
  });
  const fail = (error: unknown) => {
    for (const waiter of waiting.splice(0)) waiter.reject(error);
  };
  worker.on('error', fail);
  const ended = once(worker, 'exit').then(([code]) => {
    fail(new Error(`the Worker ended with ${code}`));
    return code as number;
  });
  // Where nobody waits for its end, its error is told by said().
  ended.catch(() => {});
  return {
    worker,
    said: () =>
      messages.length > 0
        ? Promise.resolve(messages.shift())
        : new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    tell: (message = null) => worker.postMessage(message),
    ended,
  };
}
