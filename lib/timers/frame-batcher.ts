// Gathers items, and hands them over once per frame.

import { AsyncResource } from 'node:async_hooks';
import { SideloopError } from '../errors.js';
import type { EventLoop } from '../event-loop.js';
import { checkedOptions, type OptionNames } from '../options.js';
import { checkCallback, checkLoop, checkPeriod, wrong } from './arguments.js';
import { now } from './clock.js';
import type { Member, Period } from './period.js';
import { serviceOf, type TimerService } from './timer-service.js';

/** Options of a batcher. */
export interface FrameBatcherOptions {
  /** The time from one frame to the next, in ms, 1 at least. Default 16. */
  frameMs?: number;
  /** The loop that keeps the time. Default: the shared one. */
  loop?: EventLoop;
  /** With so many items they are delivered at once, inside `add`. Default 10,000. */
  maxItems?: number;
}

const NAMES: OptionNames<FrameBatcherOptions> = { frameMs: true, loop: true, maxItems: true };

/**
 * Gathers what many places have to tell and delivers it once per frame: an item waits for one frame at most, as long as
 * this thread is not busy. Frames are the ticks of a period, so all batchers and intervals of that period on a loop
 * are served by one. While it is empty there is no tick; while it is not, it keeps the process alive.
 */
export class FrameBatcher<T> implements Disposable {
  readonly frameMs: number;
  readonly maxItems: number;
  readonly #deliver: (items: T[]) => void;
  readonly #service: TimerService;
  readonly #frame: FrameMember;
  #items: T[] = [];
  #closed = false;

  /**
   * `deliver` gets the items in the order of their adding, one at least; a frame's in the async context of this call. What it throws in a frame is an uncaught
   * exception; what it throws inside `add`, `flush` or `close` goes to their caller. Its items were delivered.
   *
   * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a wrong argument.
   */
  constructor(deliver: (items: T[]) => void, options?: FrameBatcherOptions) {
    const {
      frameMs = 16,
      loop,
      maxItems = 10_000,
    } = checkedOptions(options, NAMES, 'FrameBatcher');
    checkCallback(deliver);
    this.frameMs = checkPeriod(frameMs, 'frameMs');
    if (!Number.isSafeInteger(maxItems) || maxItems < 1) {
      throw wrong('maxItems must be a whole number, 1 or more', maxItems);
    }
    this.maxItems = maxItems;
    this.#deliver = deliver;
    this.#service = serviceOf(checkLoop(loop));
    const flush = () => this.flush();
    const context = new AsyncResource('SideloopFrameBatcher');
    this.#frame = new FrameMember(this.#service, this.frameMs, () =>
      context.runInAsyncScope(flush),
    );
  }

  /** Items that wait for their frame. */
  get size(): number {
    return this.#items.length;
  }

  /**
   * Has the item delivered with the next frame.
   *
   * @throws SideloopError `ERR_SIDELOOP_BATCHER_CLOSED` after `close`, `ERR_SIDELOOP_STOPPED` or
   * `ERR_SIDELOOP_DESTROYED` where the loop has ended.
   */
  add(item: T): void {
    if (this.#closed) {
      throw new SideloopError(
        'ERR_SIDELOOP_BATCHER_CLOSED',
        'The batcher was closed. Make a new one.',
      );
    }
    if (this.#items.length === 0) {
      if (this.#service.refusal !== undefined) throw this.#service.refusal;
      this.#frame.join();
    }
    this.#items.push(item);
    if (this.#items.length >= this.maxItems) this.flush();
  }

  /** Delivers now what waits. Does nothing where nothing does. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#frame.leave();
    this.#deliver(items);
  }

  /** Delivers what waits, and takes no more. */
  close(): void {
    this.#closed = true;
    this.flush();
  }

  /** `using batcher = new FrameBatcher(...)`: closes it. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** A batcher as its period knows it: a member while there are items. */
class FrameMember implements Member {
  turn = 0;
  due = 0;
  lastTick = 0;
  missed = 0;
  #joined: Period | undefined;

  constructor(
    private readonly service: TimerService,
    private readonly ms: number,
    private readonly deliver: () => void,
  ) {}

  join(): void {
    this.#joined = this.service.period(this.ms);
    this.#joined.joinNext(this);
    this.service.holder.hold();
  }

  leave(): void {
    if (this.#joined === undefined) return;
    this.turn = 0;
    this.#joined.leave(this);
    this.#joined = undefined;
    this.service.holder.release();
  }

  run(): void {
    this.service.ran++;
    this.deliver();
  }

  /** The loop has ended: what was accepted is delivered all the same, in a turn of its own. */
  ended(): void {
    this.due = now();
    this.service.due.add(this);
    this.service.due.begin();
  }
}
