// Where a loop's bridges begin: other threads send a message port to the thread that made the loop, by the loop's handle.

import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  postMessageToThread,
  threadId,
} from 'node:worker_threads';
import { type BridgeSource, native, type PortExchange, type Visitor } from './binding.js';
import { SideloopTypeError } from './errors.js';
import { handleError, type LoopHandle, ownerOf } from './handle.js';

// Ports of one service that may wait for somebody to take them.
const MOST_WAITING = 4096;

// How long a thread that calls process.exit() waits for its ports to be taken in.
const EXIT_WAIT_MS = 5000;

/** What comes to a thread with a port. */
interface PortRequest extends Visitor {
  sideloop: LoopHandle;
  service: string;
  /** Becomes 1 when the port is in the other thread's hands. */
  entered: Int32Array;
  /** Closes when it was heard, and where it never will be: a port that nobody takes out of a message closes with it. */
  line?: MessagePort;
}

// Node relays a request by way of the main thread, and drops what it has not relayed when the sender's thread is gone. So a
// thread waits for its requests to be heard before it ends.
const unanswered = new Set<Int32Array>();

/** Lets ports for a loop of this thread come in, from now on. Nobody need be there to take them yet. */
export function openExchange(handle: LoopHandle): void {
  const { shared } = native;
  if (shared.exchanges === undefined) {
    shared.exchanges = new Map();
    process.on('workerMessage', (message: unknown) => {
      if ((message as PortRequest | null)?.sideloop !== undefined) enter(message as PortRequest);
    });
  }
  if (!shared.exchanges.has(handle)) {
    shared.exchanges.set(handle, { services: new Map(), ports: new Set() });
  }
}

/** The loop has ended: closes all its ports. Both sides of each hear of it. */
export function closeExchange(handle: LoopHandle): void {
  const exchange = exchangeOf(handle);
  native.shared.exchanges?.delete(handle);
  for (const port of exchange?.ports ?? []) port.close();
}

/**
 * A port to whoever serves `service` for the loop. It can be used at once; it closes where there is no such loop, and with
 * either thread or the loop. Once it has arrived there it does not keep the process alive.
 *
 * @throws SideloopError `ERR_SIDELOOP_HANDLE` where it is no handle.
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the name is no text.
 */
export function requestPort(
  handle: LoopHandle,
  service: string,
  name: string | undefined,
): MessagePort {
  const owner = ownerOf(handle);
  if (owner === undefined) throw handleError('loop', handle);
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'source must be a string that is not empty.',
    );
  }
  const { port1, port2 } = new MessageChannel();
  port1.unref();
  const from: BridgeSource = {
    name: name ?? (isMainThread ? 'main' : `worker ${threadId}`),
    threadId,
  };
  const entered = new Int32Array(new SharedArrayBuffer(4));
  const message: PortRequest = { sideloop: handle, service, port: port2, from, entered };
  if (owner === threadId) enter(message);
  else deliver(owner, message, port1);
  return port1;
}

function deliver(owner: number, message: PortRequest, port: MessagePort): void {
  const { entered } = message;
  const { port1: line, port2: theirs } = new MessageChannel();
  if (unanswered.size === 0) process.on('exit', waitUntilAnswered);
  unanswered.add(entered);
  line.once('close', () => {
    unanswered.delete(entered);
    if (unanswered.size === 0) process.off('exit', waitUntilAnswered);
  });
  // Keeps this thread alive meanwhile.
  line.ref();
  // Not awaited: it never settles where the other thread ends before it looks.
  postMessageToThread(owner, { ...message, line: theirs }, [message.port, theirs]).catch(() => {
    // The thread is gone, as the port would be.
    port.close();
    line.close();
  });
}

// Of a thread that calls process.exit(); one that returns has been kept alive. With the main thread the process ends, and
// nobody would be there to hear.
function waitUntilAnswered(): void {
  if (isMainThread) return;
  const until = Date.now() + EXIT_WAIT_MS;
  for (const entered of unanswered) Atomics.wait(entered, 0, 0, Math.max(0, until - Date.now()));
}

/**
 * Takes all ports that come for `service`, from those on that wait. Returns what ends that.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the loop is another thread's, has ended, or the service is taken.
 */
export function serve(
  handle: LoopHandle,
  service: string,
  take: (visitor: Visitor) => void,
): () => void {
  const exchange = exchangeOf(handle);
  if (exchange === undefined) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'A bridge leads to the thread that made the loop: receive there, and while the loop is open.',
    );
  }
  const waiting = exchange.services.get(service);
  if (typeof waiting === 'function') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      `Something receives the ${service} of this loop already. End that first, or use another loop.`,
    );
  }
  exchange.services.set(service, take);
  for (const visitor of waiting ?? []) take(visitor);
  return () => {
    if (exchange.services.get(service) === take) exchange.services.delete(service);
  };
}

function exchangeOf(handle: LoopHandle): PortExchange | undefined {
  return native.shared.exchanges?.get(handle);
}

function enter({ sideloop, service, port, from, entered, line }: PortRequest): void {
  Atomics.store(entered, 0, 1);
  Atomics.notify(entered, 0);
  line?.close();
  const exchange = exchangeOf(sideloop);
  const taker = exchange?.services.get(service);
  if (exchange === undefined || (Array.isArray(taker) && taker.length >= MOST_WAITING)) {
    port.close();
    return;
  }
  port.unref();
  exchange.ports.add(port);
  port.once('close', () => {
    exchange.ports.delete(port);
    // It has left nothing to be taken, and makes room.
    const waiting = exchange.services.get(service);
    if (!Array.isArray(waiting)) return;
    const at = waiting.findIndex((visitor) => visitor.port === port);
    if (at >= 0) waiting.splice(at, 1);
  });
  if (typeof taker === 'function') taker({ port, from });
  else if (taker !== undefined) taker.push({ port, from });
  else exchange.services.set(service, [{ port, from }]);
}
