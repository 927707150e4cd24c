// A second event loop, as its user holds it.

import { AsyncResource } from 'node:async_hooks';
import { flushStages, forget, type NativeLoop, native, receive } from './binding.js';
import { SideloopError, SideloopTypeError } from './errors.js';
import { handleError, type LoopHandle, newLoopHandle } from './handle.js';
import { type LoopStats, loopStats } from './loop-stats.js';
import { checkedOptions, type OptionNames } from './options.js';
import { closeExchange, openExchange } from './port-exchange.js';
import { queueMicrotask } from './turns.js';

/** Which of the waiting posts runs first. Within a priority the order is that of posting. */
export type Priority = 'critical' | 'high' | 'normal' | 'low';

// Without a prototype: `toString` is no priority.
const LANES: Record<Priority, number> = Object.assign(Object.create(null), {
  critical: 0,
  high: 1,
  normal: 2,
  low: 3,
});

/** Options of a loop. */
export interface EventLoopOptions {
  /** The thread's name, as `top -H` shows it; the kernel keeps 15 bytes. Default `sideloop`. */
  name?: string;
  /** Posts and submissions that may wait for the loop thread. Default 1,048,576. */
  mailboxCapacity?: number;
}

/** Options of {@link EventLoop.post}. */
export interface PostOptions {
  /** Default `normal`. */
  priority?: Priority;
}

/** Options of {@link EventLoop.stop}. */
export interface StopOptions {
  /** How long I/O in progress may take, in ms. What is left then fails with `ERR_SIDELOOP_STOPPED`. Default 5000. */
  deadlineMs?: number;
}

const LOOP_OPTIONS: OptionNames<EventLoopOptions> = { name: true, mailboxCapacity: true };
const POST_OPTIONS: OptionNames<PostOptions> = { priority: true };
const STOP_OPTIONS: OptionNames<StopOptions> = { deadlineMs: true };

/** Something on the loop that keeps the process alive while it has something pending. */
interface Referenced {
  setReferenced(referenced: boolean): void;
}

/** What Redis clients and the like need of a loop, and users do not. */
export interface LoopInternals {
  native: NativeLoop;
  /** Has `member` follow ref() and unref(). */
  join(member: Referenced): void;
  /** `member` is gone. */
  leave(member: Referenced): void;
  /** False once a stop was asked for. */
  isOpen(): boolean;
  /** Has `listener` called when the loop is detached: what is open on it stays, and nothing is added. */
  onDetach(listener: () => void): void;
}

const internals = new WeakMap<EventLoop, LoopInternals>();

/** For the package's own modules. */
export function internalsOf(loop: EventLoop): LoopInternals {
  return internals.get(loop) as LoopInternals;
}

/** A loop that exists already, in place of the options of a new one. */
class Existing {
  constructor(
    readonly native: NativeLoop,
    readonly handle: LoopHandle,
  ) {}
}

let shared: EventLoop | undefined;
// The loops of this thread that have a handle, own and attached ones, while they are open.
const byHandle = new Map<LoopHandle, EventLoop>();

/** The open loop of this thread that has this handle; attaches where there is none. */
export function loopByHandle(handle: LoopHandle): EventLoop {
  return byHandle.get(handle) ?? EventLoop.attach(handle);
}

/**
 * A second event loop: a native thread with a libuv loop of its own, which goes on while JavaScript computes.
 * It sleeps until there is something to do, and keeps the process alive only while something is pending.
 *
 * It belongs to the JS thread that made it, and ends with that at the latest. Other threads of the process use it through
 * its {@link EventLoop.handle}.
 */
export class EventLoop implements AsyncDisposable {
  readonly name: string;
  /** True for a loop that {@link EventLoop.attach} gave. */
  readonly attached: boolean;
  readonly #native: NativeLoop;
  readonly #members = new Set<Referenced>();
  readonly #detachListeners: (() => void)[] = [];
  readonly #tasks = new Map<number, { resource: AsyncResource; task: () => void }>();
  #handle: LoopHandle | undefined;
  #lastTask = 0;
  #referenced = true;
  #open = true;
  // Posts that the native side was not asked about, as the loop had been stopped.
  #refused = 0;
  #ended = false;
  #detached = false;
  #stopped: { promise: Promise<void>; resolve: () => void } | undefined;

  /**
   * Starts the thread.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   * @throws SideloopError `ERR_SIDELOOP_LOOP_START` where the system refuses a thread.
   */
  constructor(options?: EventLoopOptions);
  constructor(given: EventLoopOptions | Existing = {}) {
    this.attached = given instanceof Existing;
    this.#native = given instanceof Existing ? given.native : start(given);
    this.name = this.#native.name;
    if (given instanceof Existing) this.#setHandle(given.handle);
    receive(this.#native.target, {
      settle: (values) => this.#settle(values as number[]),
      fail: () => {},
      event: () => this.#onEnded(),
    });
    internals.set(this, {
      native: this.#native,
      join: (member) => {
        this.#members.add(member);
        if (!this.#referenced) member.setReferenced(false);
      },
      leave: (member) => this.#members.delete(member),
      isOpen: () => this.#isOpen(),
      onDetach: (listener) => this.#detachListeners.push(listener),
    });
  }

  /**
   * The loop of another thread of this process, or of this one, by its handle. What is made on it belongs to this thread
   * and ends with it; the loop itself ends with its maker's thread, or when anybody calls stop() or destroy().
   *
   * @throws SideloopError `ERR_SIDELOOP_HANDLE` where no open loop of this process has the handle.
   */
  static attach(handle: LoopHandle): EventLoop {
    if (typeof handle !== 'string') throw handleError('loop', handle);
    let existing: Existing;
    try {
      existing = new Existing(new native.LoopWrap(handle), handle);
    } catch (cause) {
      throw handleError('loop', handle, cause);
    }
    return new EventLoop(existing as EventLoopOptions);
  }

  /** The loop that everything uses which is not given one. Started when first asked for. */
  static shared(): EventLoop {
    if (shared === undefined || !shared.#isOpen()) shared = new EventLoop({ name: 'sideloop' });
    return shared;
  }

  /** What another thread of this process passes to {@link EventLoop.attach}. */
  get handle(): LoopHandle {
    if (this.#handle === undefined) {
      const handle = newLoopHandle();
      this.#native.share(handle);
      this.#setHandle(handle);
      // Whoever gets it may begin to send at once.
      if (this.#open) openExchange(handle);
    }
    return this.#handle as LoopHandle;
  }

  /**
   * Runs `task` on this JS thread, once, after a pass through the loop thread, in the async context of the caller.
   *
   * @returns true: accepted, it will run. false: the loop is stopped, or its mailbox full; it will not.
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` if `task` is no function or the priority unknown.
   */
  post(task: () => void, options?: PostOptions): boolean {
    if (typeof task !== 'function') {
      throw new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', 'A task must be a function.');
    }
    const { priority = 'normal' } = checkedOptions(options, POST_OPTIONS, 'post()');
    const lane = LANES[priority];
    if (lane === undefined) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        "priority must be 'critical', 'high', 'normal' or 'low'.",
      );
    }
    if (!this.#open) {
      this.#refused++;
      return false;
    }
    const id = ++this.#lastTask;
    if (!this.#native.post(id, lane)) return false;
    this.#tasks.set(id, { resource: new AsyncResource('SideloopPost'), task });
    return true;
  }

  /** What the loop did so far. Cheap: it asks nobody and waits for nothing. */
  stats(): LoopStats {
    const stats = this.#native.stats();
    stats.postsRejected += this.#refused;
    return loopStats(this.name, stats);
  }

  /**
   * Takes no more work, lets what was accepted finish, and ends the thread; whichever thread calls it. Resolves when the
   * loop has ended, also where another one ended it. Calling it again gives the same promise.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong deadline.
   */
  stop(options: StopOptions = {}): Promise<void> {
    const { deadlineMs = 5000 } = checkedOptions(options, STOP_OPTIONS, 'stop()');
    if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 0) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'deadlineMs must be a whole number, 0 or more.',
      );
    }
    if (this.#stopped === undefined) {
      if (this.#detached) return Promise.resolve();
      this.#stopped = withResolvers();
      this.#close();
      if (this.#ended) {
        this.#stopped.resolve();
      } else {
        native.hold(this.#native.target);
        this.#native.stop(deadlineMs);
      }
    }
    return this.#stopped.promise;
  }

  /**
   * Ends the thread now. Accepted posts still run; commands and whatever else is pending reject with
   * `ERR_SIDELOOP_DESTROYED`. Does nothing where the loop has ended.
   */
  destroy(): void {
    if (this.#detached) return;
    this.#close();
    this.#native.destroy();
  }

  /**
   * Lets go of an attached loop: it takes no more posts through this object, and goes on for everybody else. What was
   * accepted still runs, and what is open on it through this object (clients, for instance) stays open. From then on stop()
   * and destroy() of this object do nothing.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` on a loop that was made here: stop() or destroy() it.
   */
  detach(): void {
    if (!this.attached) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'Only an attached loop can be detached. This one was made here: stop() or destroy() it.',
      );
    }
    this.#close();
    // Who has asked for the end still hears of it.
    this.#detached = this.#stopped === undefined;
    for (const listener of this.#detachListeners.splice(0)) listener();
    this.#forgetIfOver();
  }

  /** Has what is pending on this loop keep the process alive, as it does at first. */
  ref(): this {
    return this.#setReferenced(true);
  }

  /** Lets the process exit although something is pending on this loop. */
  unref(): this {
    return this.#setReferenced(false);
  }

  /** Whether what is pending keeps the process alive. */
  hasRef(): boolean {
    return this.#referenced;
  }

  /**
   * `await using loop = new EventLoop()`: stops it with the default deadline.
   * `await using loop = EventLoop.attach(handle)`: detaches.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.attached) this.detach();
    else await this.stop();
  }

  #setHandle(handle: LoopHandle): void {
    this.#handle = handle;
    if (this.#open && !byHandle.has(handle)) byHandle.set(handle, this);
  }

  // Another thread may have ended it.
  #isOpen(): boolean {
    return this.#open && this.#native.isOpen();
  }

  #close(): void {
    if (!this.#open) return;
    this.#open = false;
    flushStages();
    if (this.#handle !== undefined && byHandle.get(this.#handle) === this) {
      byHandle.delete(this.#handle);
    }
  }

  #setReferenced(referenced: boolean): this {
    this.#referenced = referenced;
    this.#native.setReferenced(referenced);
    for (const member of this.#members) member.setReferenced(referenced);
    return this;
  }

  #settle(ids: number[]): void {
    for (const id of ids) {
      const entry = this.#tasks.get(id);
      this.#tasks.delete(id);
      // The user's code runs outside the drain, so that a throw is an uncaught exception and stops nobody else's.
      if (entry) queueMicrotask(() => entry.resource.runInAsyncScope(entry.task));
    }
    this.#forgetIfOver();
  }

  // Whoever asked for it. All tasks have come back before.
  #onEnded(): void {
    this.#ended = true;
    this.#close();
    if (this.#handle !== undefined && !this.attached) closeExchange(this.#handle);
    this.#native.join();
    if (this.#stopped !== undefined) {
      native.release(this.#native.target);
      this.#stopped.resolve();
    }
    this.#forgetIfOver();
  }

  // Deliveries hold on to their target, so a loop that gets no more of them could never be collected.
  #forgetIfOver(): void {
    if ((this.#ended || this.#detached) && this.#tasks.size === 0) forget(this.#native.target);
  }
}

function start(options: EventLoopOptions): NativeLoop {
  const { name = 'sideloop', mailboxCapacity = 1 << 20 } = checkedOptions(
    options,
    LOOP_OPTIONS,
    'EventLoop',
  );
  if (typeof name !== 'string' || name === '') {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'name must be a string that is not empty.',
    );
  }
  if (!Number.isInteger(mailboxCapacity) || mailboxCapacity < 1 || mailboxCapacity > 0xffff_ffff) {
    throw new SideloopTypeError(
      'ERR_SIDELOOP_ARGUMENT',
      'mailboxCapacity must be a whole number from 1 to 4294967295.',
    );
  }
  try {
    return new native.LoopWrap(name, mailboxCapacity);
  } catch (cause) {
    throw new SideloopError(
      'ERR_SIDELOOP_LOOP_START',
      'The system refused a thread for the event loop. Look at its limits of processes and memory.',
      { cause },
    );
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
