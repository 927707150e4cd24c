// No polling: the other thread's message puts the event into an async queue, and the processor awaits
// the next one.
import { MessageChannel } from 'node:worker_threads';

export const name = 'async-queue';
export { version } from 'node:process';

class AsyncQueue {
  #events = [];
  #waiting;

  put(event) {
    this.#events.push(event);
    this.#waiting?.();
  }

  async get() {
    while (this.#events.length === 0) {
      await new Promise((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#events.shift();
  }
}

export async function startProcessor(dispatch) {
  const { port1, port2 } = new MessageChannel();
  const queue = new AsyncQueue();
  port1.on('message', (event) => queue.put(event));
  (async () => {
    for (;;) dispatch(await queue.get());
  })();
  return { data: port2, transferList: [port2] };
}

export const startReporter = async (port) => (event) => port.postMessage(event);
