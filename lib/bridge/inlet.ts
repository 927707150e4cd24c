// The receiving side of a bridge.

import type { MessagePort } from 'node:worker_threads';
import { queueMicrotask } from '../turns.js';

/**
 * Calls `take` with each message that comes over the port, in order, and tells the sender. A `take` that throws causes an
 * uncaught exception, and the messages behind come all the same.
 */
export function receiveFrom(port: MessagePort, take: (message: unknown) => void): void {
  port.on('message', (batch: unknown[]) => {
    takeAll(batch, 0, take, () => port.postMessage(batch.length));
  });
  port.unref();
}

function takeAll(
  batch: unknown[],
  from: number,
  take: (message: unknown) => void,
  taken: () => void,
): void {
  let next = from;
  try {
    while (next < batch.length) take(batch[next++]);
  } finally {
    if (next < batch.length) queueMicrotask(() => takeAll(batch, next, take, taken));
    else taken();
  }
}
