// Calls from any thread to functions of the one that made a loop.

import type { MessagePort } from 'node:worker_threads';
import { checkSignal, listenToAbort } from '../abort-listeners.js';
import { AbortError, SideloopError, SideloopTypeError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import type { LoopHandle } from '../handle.js';
import { checkedOptions, type OptionNames } from '../options.js';
import { requestPort } from '../port-exchange.js';
import { closedError } from './outlet.js';
import { type ErrorRecord, errorOf } from './remote-error.js';

/** The service's name, which both sides use. */
export const SERVICE = 'calls';

/** From the caller: begins a call, or has its signal aborted. */
export type Request = [id: number, name: string, args: unknown[]] | [id: number];
/** To the caller: how a call ended. */
export type Answer =
  | [id: number, ok: true, value: unknown]
  | [id: number, ok: false, error: ErrorRecord];

/** Options of a {@link Caller}. */
export interface CallerOptions {
  /** The name under which the other side knows it. Default `worker <threadId>`, or `main`. */
  source?: string;
  /** How long a call may take, in ms; null: for ever. Default 30,000. */
  deadlineMs?: number | null;
  /** Calls that may be pending. Default 65,536. */
  capacity?: number;
}

/** Options of one call. */
export interface CallOptions {
  /** Aborts the call: it rejects with an AbortError, and the function's own signal is aborted. */
  signal?: AbortSignal;
  /** How long it may take, in ms; null: for ever. Default: the caller's. */
  deadlineMs?: number | null;
}

const CALLER_NAMES: OptionNames<CallerOptions> = { source: true, deadlineMs: true, capacity: true };
const CALL_NAMES: OptionNames<CallOptions> = { signal: true, deadlineMs: true };

interface Pending {
  settle(): void;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/**
 * Calls functions that the thread which made a loop has exposed with `expose()`. A call made before that waits for it.
 * Calls keep the process alive while they are pending.
 */
export class Caller implements Disposable {
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  readonly #deadlineMs: number | null;
  readonly #capacity: number;
  #lastId = 0;
  #open = true;

  /**
   * @throws SideloopError `ERR_SIDELOOP_HANDLE` where it is not the handle of a loop.
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   */
  constructor(loop: EventLoop | LoopHandle, options?: CallerOptions) {
    const {
      source,
      deadlineMs = 30_000,
      capacity = 65_536,
    } = checkedOptions(options, CALLER_NAMES, 'Caller');
    this.#deadlineMs = checkDeadline(deadlineMs);
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'capacity must be a whole number, 1 or more.',
      );
    }
    this.#capacity = capacity;
    this.#port = requestPort(typeof loop === 'string' ? loop : loop?.handle, SERVICE, source);
    this.#port.on('message', (answer: Answer) => this.#onAnswer(answer));
    this.#port.once('close', () => this.#end());
    this.#port.unref();
  }

  /** Calls under way. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Calls the function `name` with copies of `args`, as `structuredClone` makes them, and resolves with a copy of what it
   * returns or its promise resolves with.
   *
   * Rejects with a RemoteError where it throws: `name`, `message` and `code` are those of the original; with a
   * SideloopError: `ERR_SIDELOOP_CALL_UNKNOWN` (nothing was called), `ERR_SIDELOOP_CALL_DEADLINE`,
   * `ERR_SIDELOOP_BRIDGE_CLOSED` (the function may have run) or `ERR_SIDELOOP_BRIDGE_FULL` (nothing was called); with a
   * `DataCloneError` where an argument or the result can't be copied.
   */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is the function's business.
  call(name: string, ...args: unknown[]): Promise<any> {
    return this.#call(name, args, this.#deadlineMs, undefined);
  }

  /** The same, with a signal or a deadline: `caller.with({ signal }).call('name')`. */
  with(options: CallOptions): Pick<Caller, 'call'> {
    const { signal, deadlineMs = this.#deadlineMs } = checkedOptions(options, CALL_NAMES, 'with()');
    checkSignal(signal);
    const checked = checkDeadline(deadlineMs);
    return { call: (name, ...args) => this.#call(name, args, checked, signal) };
  }

  /** Ends the bridge: what is pending rejects with `ERR_SIDELOOP_BRIDGE_CLOSED`. */
  close(): void {
    this.#port.close();
    this.#end();
  }

  /** `using caller = new Caller(handle)`: closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  // Posted at once, not at the end of the turn: the copy is made by the post, and somebody waits.
  #call(
    name: string,
    args: unknown[],
    deadlineMs: number | null,
    signal: AbortSignal | undefined,
    // biome-ignore lint/suspicious/noExplicitAny: what comes back is the function's business.
  ): Promise<any> {
    if (!this.#open) return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(new AbortError(signal));
    if (this.#pending.size >= this.#capacity) {
      return Promise.reject(
        new SideloopError(
          'ERR_SIDELOOP_BRIDGE_FULL',
          `${this.#capacity} calls are pending, which is the bound. Await some of them first, or raise capacity.`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const request: Request = [id, String(name), args];
      // Throws where an argument can't be copied, which rejects the promise: nothing else has been done yet.
      this.#port.postMessage(request);
      const cancel = (reason: unknown) => {
        this.#port.postMessage([id] satisfies Request);
        this.#settle(id)?.reject(reason);
      };
      const unlisten = listenToAbort(signal, () => cancel(new AbortError(signal as AbortSignal)));
      const timer =
        deadlineMs === null
          ? undefined
          : setTimeout(() => cancel(deadlineError(name, deadlineMs)), deadlineMs);
      const settle = () => {
        clearTimeout(timer);
        unlisten();
      };
      if (this.#pending.size === 0) this.#port.ref();
      this.#pending.set(id, { settle, resolve, reject });
    });
  }

  #onAnswer([id, ok, value]: Answer): void {
    const pending = this.#settle(id);
    if (ok) pending?.resolve(value);
    else pending?.reject(errorOf(value));
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    if (!this.#pending.delete(id)) return undefined;
    if (this.#pending.size === 0 && this.#open) this.#port.unref();
    pending?.settle();
    return pending;
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(closedError());
  }
}

function checkDeadline(deadlineMs: number | null): number | null {
  const isRight =
    deadlineMs === null ||
    (Number.isInteger(deadlineMs) && deadlineMs >= 0 && deadlineMs < 2 ** 31);
  if (isRight) return deadlineMs;
  throw new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    'deadlineMs must be null or a whole number of ms from 0 to 2147483647.',
  );
}

function deadlineError(name: string, deadlineMs: number): SideloopError {
  return new SideloopError(
    'ERR_SIDELOOP_CALL_DEADLINE',
    `No answer from '${name}' within ${deadlineMs} ms. The function may have run: look before you repeat it.`,
  );
}
