// A lease, as its holder has it.

import { AsyncResource } from 'node:async_hooks';
import { type HistogramSnapshot, type NativeLeases, native } from '../binding.js';
import { ReplyError } from '../errors.js';
import { checkExtension } from './acquire-options.js';
import { type LeaseEndReason, LeaseError } from './lease-error.js';

/** What became of the renewals of a lease. */
export interface LeaseStats {
  /** Accepted by the server. */
  renewals: number;
  /** Without an answer when their time was up. The answer may have come after all. */
  late: number;
  /** Answered by an error, lost with the connection, or not sent because it was down. */
  failed: number;
  /** Of all leases of the client: from when a renewal was due to its sending, in microseconds. */
  jitter: HistogramSnapshot;
}

/** How a lease ended. */
export interface LeaseEnd {
  reason: LeaseEndReason;
  /** Of performance.now(). */
  at: number;
  byRelease: boolean;
  stats: Omit<LeaseStats, 'jitter'>;
  /** The server's words where it refused the release. */
  refusal: string;
}

/**
 * The right to do something alone, for as long as it is renewed: which the loop thread does, while this thread computes.
 * {@link Lease.signal} says when it is over, and {@link Lease.token} lets others refuse what comes too late.
 *
 * It keeps the process alive until its end, unless {@link Lease.unref} says otherwise. One that nobody releases is renewed
 * until its `maxLeaseMs`, even where nobody has the object any more.
 */
export class Lease implements AsyncDisposable {
  /** The Redis key. */
  readonly key: string;
  /** The fencing token: each grant of the key has a higher one than all before it. */
  readonly token: number;
  readonly #controller = new AbortController();
  readonly #context = new AsyncResource('SideloopLease');
  readonly #native: NativeLeases;
  readonly #id: number;
  #referenced = true;
  #end: LeaseEnd | undefined;
  #released: Release | undefined;

  /** @internal Made by acquire(), in its caller's async context. */
  constructor(leases: NativeLeases, id: number, key: string, token: number) {
    this.#native = leases;
    this.#id = id;
    this.key = key;
    this.token = token;
  }

  /** Aborted at its end, whatever the reason: with a {@link LeaseError} that says it. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * For how many ms it is certain that it is ours, by this machine's own clock: less than what the server counts. 0 or less:
   * it is over. Asks nobody, and is true also while this thread was blocked; so look at it before what must not be done
   * twice.
   */
  validForMs(): number {
    return this.#end === undefined ? this.#native.validFor(this.#id) : 0;
  }

  /** What became of its renewals. Cheap: it asks nobody and waits for nothing. */
  stats(): LeaseStats {
    const own = this.#end?.stats ?? this.#native.stats(this.#id);
    return { ...own, jitter: this.#native.jitter() };
  }

  /**
   * Gives it back, and lets the next who waits have it.
   *
   * Resolves with true where it was ours until now, and with false where it had ended before, which is no error. Rejects
   * with a ReplyError where the server refuses it; then it ends by itself, when its time to live is over.
   */
  release(): Promise<boolean> {
    if (this.#end !== undefined) return Promise.resolve(false);
    if (this.#released === undefined) {
      this.#released = newRelease();
      if (!this.#referenced) native.hold(this.#native.target);
      this.#native.release(this.#id);
    }
    return this.#released.promise;
  }

  /**
   * Lets it last until `ms` from now, where its `maxLeaseMs` would end it before. Does nothing after the end.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where `ms` is no whole number, 1 or more.
   */
  extend(ms: number): void {
    const checked = checkExtension(ms);
    if (this.#end === undefined) this.#native.extend(this.#id, checked);
  }

  /** Has it keep the process alive until its end, as it does at first. */
  ref(): this {
    if (!this.#referenced && this.#isHoldable()) native.hold(this.#native.target);
    this.#referenced = true;
    return this;
  }

  /** Lets the process exit while it is held. It is given back then. */
  unref(): this {
    if (this.#referenced && this.#isHoldable()) native.release(this.#native.target);
    this.#referenced = false;
    return this;
  }

  /** `await using lease = await acquire(...)`: releases it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** @internal The native side has said that it is over. */
  end(end: LeaseEnd): void {
    if (this.#referenced || this.#released !== undefined) native.release(this.#native.target);
    this.#end = end;
    const error = new LeaseError(end.reason, end.at);
    this.#context.runInAsyncScope(() => this.#controller.abort(error));
    if (end.refusal === '') this.#released?.resolve(end.byRelease);
    else this.#released?.reject(new ReplyError(end.refusal, 'EVAL'));
  }

  /** A release that is under way keeps the process alive in any case. */
  #isHoldable(): boolean {
    return this.#end === undefined && this.#released === undefined;
  }
}

interface Release {
  promise: Promise<boolean>;
  resolve(wasOurs: boolean): void;
  reject(error: Error): void;
}

function newRelease(): Release {
  let resolve = (_: boolean) => {};
  let reject = (_: Error) => {};
  const promise = new Promise<boolean>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  return { promise, resolve, reject };
}
