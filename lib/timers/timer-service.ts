// The timers of this thread on one loop: what is set and cleared in a turn goes over in one call, and what fired comes
// back in batches.

import { addStage, forget, type NativeTimers, native, receive, removeStage } from '../binding.js';
import { SideloopError } from '../errors.js';
import { type EventLoop, internalsOf, type LoopInternals } from '../event-loop.js';
import { Holder } from '../holder.js';
import { nextTick, queueMicrotask } from '../turns.js';
import { now } from './clock.js';
import { DueQueue } from './due-queue.js';
import { Period } from './period.js';
import { type Scheduled, SlotTable } from './slot-table.js';

const services = new WeakMap<EventLoop, TimerService>();

/** The one of `loop`. */
export function serviceOf(loop: EventLoop): TimerService {
  let service = services.get(loop);
  if (service === undefined) {
    service = new TimerService(loop);
    services.set(loop, service);
  }
  return service;
}

/** The one of `loop`, where there is one. */
export function knownServiceOf(loop: EventLoop): TimerService | undefined {
  return services.get(loop);
}

export class TimerService {
  readonly native: NativeTimers;
  /** Keeps the process alive for what is pending and referenced. */
  readonly holder: Holder;
  readonly due: DueQueue;
  /** Timers and intervals set, and neither run for the last time nor cleared. */
  pending = 0;
  /** Callbacks run. */
  ran = 0;
  /** Timers and intervals cleared while they were pending. */
  cancelled = 0;
  readonly #loop: LoopInternals;
  readonly #table = new SlotTable();
  readonly #periods = new Map<number, Period>();
  #flushAsked = false;
  #staging = false;
  // The loop thread knows of us, and will tell us of its end.
  #receiving = false;
  // The loop takes no more of us, and may go on for others for ever.
  #detached = false;
  #ended: SideloopError | undefined;

  constructor(loop: EventLoop) {
    this.#loop = internalsOf(loop);
    this.native = new native.TimersWrap(this.#loop.native);
    this.holder = new Holder(loop, this.native.target);
    this.due = new DueQueue((lateness, count) => this.native.recordLateness(lateness, count));
    this.#loop.onDetach(() => {
      this.#detached = true;
      this.#letGoIfOver();
    });
  }

  /**
   * Something was set in this turn, when the loop was open, and was not handed over yet. Had this thread ended the loop
   * since, it would have been.
   */
  get isStaging(): boolean {
    return this.#staging && this.#ended === undefined;
  }

  /** Why nothing can be set any more; undefined while it can. */
  get refusal(): SideloopError | undefined {
    if (this.#ended !== undefined) return this.#ended;
    return this.#staging || this.#loop.isOpen() ? undefined : endOf('STOPPED');
  }

  /** Has the entry fire at its due time, instead of when it would have before. Requires: nothing refuses it. */
  set(entry: Scheduled): void {
    this.#staging = true;
    this.#table.set(entry);
    this.#flushSoon();
  }

  /** Has the entry not fire. */
  clear(entry: Scheduled): void {
    if (entry.slot < 0) return;
    this.#table.clear(entry);
    this.#flushSoon();
  }

  /** The ticks that come every `ms`. They begin with their first member, and end with the last. */
  period(ms: number): Period {
    let period = this.#periods.get(ms);
    if (period === undefined) {
      period = new Period(this, ms, now());
      this.#periods.set(ms, period);
      this.set(period);
    }
    return period;
  }

  /** The period's last member has gone. */
  endPeriod(period: Period): void {
    this.#periods.delete(period.period);
    this.clear(period);
  }

  #flushSoon(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    addStage(this.#flush);
    nextTick(this.#flush);
  }

  // Stages and targets hold what is among them. One of a loop that never heard of any timer is never told of the end, which
  // would take it off: it is none until the first crosses.
  readonly #submit = (orders: Float64Array, count: number, more: boolean): boolean => {
    if (!this.#receiving) {
      this.#receiving = true;
      receive(this.native.target, { messages: (values) => this.#onMessages(values) });
    }
    return this.native.submit(orders, count, more);
  };

  readonly #flush = (): void => {
    this.#flushAsked = false;
    this.#staging = false;
    removeStage(this.#flush);
    if (!this.#table.isDirty || this.#table.flush(this.#submit)) {
      this.#letGoIfOver();
      return;
    }
    // Only a loop that has ended refuses them, and where none of ours ever reached it, it does not tell us so.
    queueMicrotask(() => this.#end(endOf('STOPPED')));
  };

  // An Int32Array says what fired: the number of the report, then slot and serial of each. An array says that the loop has
  // ended: a code, and a message that is written for commands and not for timers. Where this module runs in a context of
  // its own, as test runners have it, the Int32Array is of another one and no instance of ours.
  #onMessages(values: unknown[]): void {
    for (const value of values) {
      if (Array.isArray(value)) this.#end(endOf(value[0] as string));
      else this.#onFired(value as Int32Array);
    }
    this.due.begin();
    this.#letGoIfOver();
  }

  // A thread may attach to a loop and detach again and again: the last timer takes with it what there is on the loop thread.
  #letGoIfOver(): void {
    if (!this.#detached || !this.#receiving) return;
    if (this.#table.size > 0 || this.#table.isDirty) return;
    this.#receiving = false;
    this.native.detach();
    forget(this.native.target);
  }

  #onFired(report: Int32Array): void {
    this.native.read(report[0] as number);
    for (let i = 1; i < report.length; i += 2) {
      this.#table.take(report[i] as number, report[i + 1] as number)?.fired();
    }
  }

  #end(error: SideloopError): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    forget(this.native.target);
    this.#periods.clear();
    for (const entry of this.#table.takeAll()) entry.failed(error);
  }
}

function endOf(code: string): SideloopError {
  return code === 'DESTROYED'
    ? new SideloopError(
        'ERR_SIDELOOP_DESTROYED',
        'The loop was destroyed, and its timers with it. Set them on another loop.',
      )
    : new SideloopError(
        'ERR_SIDELOOP_STOPPED',
        'The loop was stopped, and its timers with it. Set them on another loop.',
      );
}
