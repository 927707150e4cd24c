// A second event loop, as its user holds it.

import { AsyncResource } from 'node:async_hooks';
import {
  flushStages,
  forget,
  type HistogramSnapshot,
  type NativeLoop,
  native,
  receive,
} from './binding.js';
import { SideloopError, SideloopTypeError } from './errors.js';

/** What a loop did, over its whole life. Times are in ms, histograms in microseconds. */
export interface LoopStats {
  /** The loop's name. */
  name: string;
  /** Passes through the loop. */
  iterations: number;
  /** Times another thread woke it. */
  wakeups: number;
  /** Things done: posted tasks, I/O callbacks, timers. */
  events: number;
  /** `events / iterations`: how much a pass got done, 0 before the first pass. */
  efficiency: number;
  /** Posts and submissions accepted. */
  postsAccepted: number;
  /** Posts and submissions refused: the loop was stopped, or its mailbox full. */
  postsRejected: number;
  /** Accepted and not yet run. */
  pending: number;
  /** Since the thread began. */
  uptime: number;
  /** Blocked in the kernel, waiting for something to do. */
  idleTime: number;
  /** `uptime - idleTime` */
  busyTime: number;
  /** From acceptance to running, of the oldest post of each wake-up. */
  acceptToRun: HistogramSnapshot;
  /** How long a post ran on the loop thread: of the first of each pass, and of every 16th after it. */
  callbackTime: HistogramSnapshot;
}

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
}

const internals = new WeakMap<EventLoop, LoopInternals>();

/** For the package's own modules. */
export function internalsOf(loop: EventLoop): LoopInternals {
  return internals.get(loop) as LoopInternals;
}

// In place of a task's number: the loop has ended.
const ENDED = -1;

let shared: EventLoop | undefined;

/**
 * A second event loop: a native thread with a libuv loop of its own, which goes on while JavaScript computes.
 * It sleeps until there is something to do, and keeps the process alive only while something is pending.
 */
export class EventLoop implements AsyncDisposable {
  readonly name: string;
  readonly #native: NativeLoop;
  readonly #members = new Set<Referenced>();
  readonly #tasks = new Map<number, { resource: AsyncResource; task: () => void }>();
  #lastTask = 0;
  #referenced = true;
  #open = true;
  // Word of the thread's end is on its way.
  #ending = false;
  #ended: { promise: Promise<void>; resolve: () => void } | undefined;

  /**
   * Starts the thread.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong option.
   * @throws SideloopError `ERR_SIDELOOP_LOOP_START` where the system refuses a thread.
   */
  constructor(options: EventLoopOptions = {}) {
    const { name = 'sideloop', mailboxCapacity = 1 << 20 } = options;
    if (typeof name !== 'string' || name === '') {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'name must be a string that is not empty.',
      );
    }
    if (
      !Number.isInteger(mailboxCapacity) ||
      mailboxCapacity < 1 ||
      mailboxCapacity > 0xffff_ffff
    ) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'mailboxCapacity must be a whole number from 1 to 4294967295.',
      );
    }
    this.name = name;
    try {
      this.#native = new native.LoopWrap(name, mailboxCapacity);
    } catch (cause) {
      throw new SideloopError(
        'ERR_SIDELOOP_LOOP_START',
        'The system refused a thread for the event loop. Look at its limits of processes and memory.',
        { cause },
      );
    }
    receive(this.#native.target, {
      settle: (values) => this.#settle(values as number[]),
      fail: () => {},
      event: () => {},
    });
    internals.set(this, {
      native: this.#native,
      join: (member) => {
        this.#members.add(member);
        if (!this.#referenced) member.setReferenced(false);
      },
      leave: (member) => this.#members.delete(member),
      isOpen: () => this.#open,
    });
  }

  /** The loop that everything uses which is not given one. Started when first asked for. */
  static shared(): EventLoop {
    if (shared === undefined || !shared.#open) shared = new EventLoop({ name: 'sideloop' });
    return shared;
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
    const lane = LANES[options?.priority ?? 'normal'];
    if (lane === undefined) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        "priority must be 'critical', 'high', 'normal' or 'low'.",
      );
    }
    if (!this.#open) return false;
    const id = ++this.#lastTask;
    if (!this.#native.post(id, lane)) return false;
    this.#tasks.set(id, { resource: new AsyncResource('SideloopPost'), task });
    return true;
  }

  /** What the loop did so far. Cheap: it asks nobody and waits for nothing. */
  stats(): LoopStats {
    const stats = this.#native.stats();
    return {
      name: this.name,
      ...stats,
      efficiency: stats.iterations === 0 ? 0 : stats.events / stats.iterations,
      busyTime: stats.uptime - stats.idleTime,
    };
  }

  /**
   * Takes no more work, lets what was accepted finish, and ends the thread. Calling it again gives the same promise.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong deadline.
   */
  stop(options: StopOptions = {}): Promise<void> {
    const { deadlineMs = 5000 } = options;
    if (!Number.isSafeInteger(deadlineMs) || deadlineMs < 0) {
      throw new SideloopTypeError(
        'ERR_SIDELOOP_ARGUMENT',
        'deadlineMs must be a whole number, 0 or more.',
      );
    }
    if (this.#ended !== undefined) return this.#ended.promise;
    if (!this.#open) return Promise.resolve();
    this.#open = false;
    const { promise, resolve } = withResolvers();
    this.#ended = { promise, resolve };
    flushStages();
    this.#ending = this.#native.stop(deadlineMs);
    if (!this.#ending) resolve();
    return promise;
  }

  /**
   * Ends the thread now. Accepted posts still run; commands and whatever else is pending reject with
   * `ERR_SIDELOOP_DESTROYED`. Does nothing where the loop has ended.
   */
  destroy(): void {
    this.#open = false;
    flushStages();
    this.#native.destroy();
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

  /** `await using loop = new EventLoop()`: stops it with the default deadline. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #setReferenced(referenced: boolean): this {
    this.#referenced = referenced;
    this.#native.setReferenced(referenced);
    for (const member of this.#members) member.setReferenced(referenced);
    return this;
  }

  #settle(ids: number[]): void {
    for (const id of ids) {
      if (id === ENDED) {
        this.#native.join();
        this.#ending = false;
        this.#ended?.resolve();
        continue;
      }
      const entry = this.#tasks.get(id);
      this.#tasks.delete(id);
      // The user's code runs outside the drain, so that a throw is an uncaught exception and stops nobody else's.
      if (entry) queueMicrotask(() => entry.resource.runInAsyncScope(entry.task));
    }
    this.#forgetIfOver();
  }

  // Deliveries hold on to their target, so a loop that gets no more of them could never be collected.
  #forgetIfOver(): void {
    if (!this.#open && !this.#ending && this.#tasks.size === 0) forget(this.#native.target);
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
