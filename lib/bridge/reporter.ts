// What Workers report, and who hears it.

import type { BridgeSource } from '../binding.js';
import { SideloopTypeError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import type { LoopHandle } from '../handle.js';
import { checkedOptions, type OptionNames } from '../options.js';
import { requestPort, serve } from '../port-exchange.js';
import { copyOf } from './copy.js';
import { receiveFrom } from './inlet.js';
import { Outlet } from './outlet.js';

const SERVICE = 'reports';

/** Options of a sender. */
export interface SenderOptions {
  /** The name under which the other side knows it. Default `worker <threadId>`, or `main`. */
  source?: string;
  /** Messages that may be under way: sent here, and not taken there. Default 65,536. */
  capacity?: number;
}

const NAMES: OptionNames<SenderOptions> = { source: true, capacity: true };

/** Anything with an `emit` like an EventEmitter's. */
export interface Emitter {
  // biome-ignore lint/suspicious/noExplicitAny: whatever its events carry.
  emit(type: any, data: any): unknown;
}

/** Called with each report. */
export type ReportListener = (type: string, data: unknown, from: BridgeSource) => void;

/**
 * Reports from any thread to the one that made a loop. A report never blocks and never waits; those of one reporter arrive
 * in order, all those of a turn in one message between the threads.
 */
export class Reporter implements Disposable {
  /** Reports that were refused, because the bridge was full or closed. */
  dropped = 0;
  readonly #outlet: Outlet;

  /**
   * @throws SideloopError `ERR_SIDELOOP_HANDLE` where it is not the handle of a loop.
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   */
  constructor(loop: EventLoop | LoopHandle, options?: SenderOptions) {
    this.#outlet = openOutlet(loop, SERVICE, options);
  }

  /** True once reports can't arrive any more: the other thread or the loop has ended, or it was closed here. */
  get closed(): boolean {
    return this.#outlet.closed;
  }

  /** Reports under way: accepted here, and not taken there. */
  get pending(): number {
    return this.#outlet.pending;
  }

  /**
   * Sends a copy of `data`, as `structuredClone` makes it.
   *
   * @returns true: accepted. false: `capacity` reports are under way, or the bridge is closed; this one was not sent, and
   * {@link Reporter.dropped} counts it.
   * @throws DOMException `DataCloneError` where `data` can't be copied.
   */
  report(type: string, data?: unknown): boolean {
    const copy = copyOf(data);
    if (!this.#outlet.full && this.#outlet.send([String(type), copy])) return true;
    this.dropped++;
    return false;
  }

  /**
   * Resolves when there is room for a report. Keeps the process alive until then.
   *
   * @throws SideloopError `ERR_SIDELOOP_BRIDGE_CLOSED`.
   */
  ready(): Promise<void> {
    return this.#outlet.ready();
  }

  /**
   * Resolves when all that was reported has been taken by the other side. Keeps the process alive until then.
   *
   * @throws SideloopError `ERR_SIDELOOP_BRIDGE_CLOSED` where it was closed before.
   */
  drained(): Promise<void> {
    return this.#outlet.drained();
  }

  /** Sends what was accepted, and no more. */
  close(): void {
    this.#outlet.close();
  }

  /** `using reporter = new Reporter(handle)`: closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Hands the reports of all threads to `sink`, from the first on: those that came before are waiting. It does not keep the
 * process alive.
 *
 * @returns what ends it; reporters that come later then wait for another receiver.
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `sink` is neither a function nor an emitter, the loop is another
 * thread's or has ended, or its reports are received already.
 */
export function receiveReports(loop: EventLoop, sink: ReportListener | Emitter): () => void {
  if (typeof sink !== 'function' && typeof sink?.emit !== 'function') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'A receiver of reports must be a function or have an emit(type, data).',
    );
  }
  const listener: ReportListener =
    typeof sink === 'function' ? sink : (type, data) => sink.emit(type, data);
  return serve(loop.handle, SERVICE, ({ port, from }) => {
    receiveFrom(port, (message) => {
      const [type, data] = message as [string, unknown];
      listener(type, data, from);
    });
  });
}

/** The sending side to `service` of a loop. */
export function openOutlet(
  loop: EventLoop | LoopHandle,
  service: string,
  options: SenderOptions | undefined,
  onClosed?: () => void,
): Outlet {
  const { source, capacity = 65_536 } = checkedOptions(options, NAMES, 'a sender');
  const handle = typeof loop === 'string' ? loop : loop?.handle;
  return new Outlet(requestPort(handle, service, source), capacity, onClosed);
}
