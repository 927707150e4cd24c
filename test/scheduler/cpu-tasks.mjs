// What the CPU nodes of the Dag's tests run in their Workers.
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

export function where() {
  return { isMainThread, threadId };
}

export function sum(inputs) {
  return Object.values(inputs).reduce((total, value) => total + value, 0);
}

export function uncloneable(how) {
  if (how === 'nested') return { deep: [{ fn() {} }] };
  if (how === 'symbol') return Symbol('result');
  if (how === 'promise') return { promise: Promise.resolve() };
  if (how === 'weak') return new WeakMap();
  if (how === 'thrown') throw Object.assign(() => {}, { message: 'a function' });
  return () => {};
}

export function fail(message) {
  throw new RangeError(message);
}

export function exit(code) {
  process.exit(code);
}

/** Throws where no task can catch it, which kills the Worker. */
export async function crash(message) {
  await new Promise(() => {
    setImmediate(() => {
      throw new RangeError(message);
    });
  });
}

/** Adds one, for who waits for it. */
export function countUp(counter) {
  Atomics.add(counter, 0, 1);
  Atomics.notify(counter, 0);
}

/** Says on the channel that it runs, and never ends by itself. */
export function spin(channelName) {
  new BroadcastChannel(channelName).postMessage('running');
  for (;;);
}

export default () => 'default';
