// Functions that other threads may call.

import type { MessagePort } from 'node:worker_threads';
import type { BridgeSource, Visitor } from '../binding.js';
import { SideloopError, SideloopTypeError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import { serve } from '../port-exchange.js';
import { type Answer, type Request, SERVICE } from './calls.js';
import { type ErrorRecord, recordOf, UNKNOWN } from './remote-error.js';

/** `this` of an exposed function. */
export interface CallContext {
  /** Aborted when the caller gives the call up: its signal was aborted, its deadline passed, or its thread ended. */
  readonly signal: AbortSignal;
  /** Who calls. */
  readonly from: BridgeSource;
}

/** A function that other threads may call. It gets copies, and what it returns is copied. */
// biome-ignore lint/suspicious/noExplicitAny: its arguments are between it and its callers.
export type Exposed = (this: CallContext, ...args: any[]) => unknown;

/**
 * Lets other threads call `functions` by their names. Calls that came before wait for it, and they run side by side where
 * the functions are async. It does not keep the process alive.
 *
 * @returns what ends it: those who have called by then are told that there is no such function, others wait for the next.
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where one is no function, the loop is another thread's or has ended, or
 * it has exposed functions already.
 */
export function expose(loop: EventLoop, functions: Readonly<Record<string, Exposed>>): () => void {
  // Without a prototype's names: `toString` is not exposed.
  const byName = new Map(Object.entries(functions));
  for (const [name, fn] of byName) {
    if (typeof fn !== 'function') {
      throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${name} must be a function.`);
    }
  }
  const end = serve(loop.handle, SERVICE, (visitor) => new Session(visitor, byName));
  return () => {
    end();
    byName.clear();
  };
}

/** The calls of one caller. */
class Session {
  readonly #port: MessagePort;
  readonly #from: BridgeSource;
  readonly #running = new Map<number, AbortController>();

  constructor(
    { port, from }: Visitor,
    private readonly functions: ReadonlyMap<string, Exposed>,
  ) {
    this.#port = port;
    this.#from = from;
    port.on('message', (request: Request) => this.#onRequest(request));
    port.once('close', () => {
      for (const controller of [...this.#running.values()]) controller.abort(closedReason());
    });
    port.unref();
  }

  #onRequest([id, name, args]: Request): void {
    if (name === undefined) {
      this.#running.get(id)?.abort(closedReason());
      return;
    }
    const fn = this.functions.get(name);
    if (fn === undefined) {
      this.#fail(id, unknownError(name, [...this.functions.keys()]));
      return;
    }
    const controller = new AbortController();
    this.#running.set(id, controller);
    // An async function of its own, so that what it throws at once is a rejection too.
    (async () => fn.apply({ signal: controller.signal, from: this.#from }, args ?? []))().then(
      (value) => this.#succeed(id, value),
      (error) => this.#fail(id, error),
    );
  }

  #succeed(id: number, value: unknown): void {
    try {
      this.#answer([id, true, value]);
    } catch (uncloneable) {
      this.#fail(id, uncloneable);
    }
  }

  #fail(id: number, error: unknown): void {
    const record: ErrorRecord = recordOf(error);
    this.#answer([id, false, record]);
  }

  #answer(answer: Answer): void {
    // Where nobody waits any more, the port is closed, and this does nothing.
    this.#port.postMessage(answer);
    this.#running.delete(answer[0]);
  }
}

function unknownError(name: string, known: string[]): SideloopError {
  return new SideloopError(
    UNKNOWN,
    `No function is exposed by the name '${name}'. There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}.`,
  );
}

function closedReason(): SideloopError {
  return new SideloopError('ERR_SIDELOOP_CALL_GIVEN_UP', 'The caller does not wait any more.');
}
