// All that happens every so many ms: one tick of the loop thread drives every member.
//
//   start        start + period      start + 2 periods
//     |---------------|---------------|-------------> ticks, without drift
//        |....half....|
//        ^ set here: the first call would be at the first tick, less than half a period away: it is at the second
//
// A tick is one, however late: this thread asks the clock which one it is by now, and what came before it was missed.

import { now } from './clock.js';
import type { Runnable } from './due-queue.js';
import type { Scheduled } from './slot-table.js';
import type { TimerService } from './timer-service.js';

// Ticks are computed here in double precision and on the loop thread in whole nanoseconds: within this many ms they are
// the same.
const ROUNDING = 1e-3;

/** What is done at ticks. */
export interface Member extends Runnable {
  /** The number of the tick up to which it has been called, or not wanted to be. */
  lastTick: number;
  /** Ticks that the call to come stands for, beyond its own. */
  missed: number;
  /** The loop has ended: no tick will come. */
  ended(error: Error): void;
}

export class Period implements Scheduled {
  slot = -1;
  serial = 0;
  readonly due: number;
  readonly #members = new Set<Member>();

  constructor(
    private readonly service: TimerService,
    readonly period: number,
    private readonly start: number,
  ) {
    this.due = start + period;
  }

  /** Has the member called at the first tick that is at least half a period away. */
  join(member: Member): void {
    this.#add(member, Math.ceil((now() - this.start - ROUNDING) / this.period + 0.5));
  }

  /** Has the member called at the next tick. */
  joinNext(member: Member): void {
    this.#add(member, this.#tickNow() + 1);
  }

  leave(member: Member): void {
    if (this.#members.delete(member) && this.#members.size === 0) this.service.endPeriod(this);
  }

  fired(): void {
    const tick = this.#tickNow();
    for (const member of this.#members) {
      const passed = tick - member.lastTick;
      if (passed <= 0) continue;
      if (member.turn !== 0) {
        member.missed += passed;
      } else {
        member.missed = passed - 1;
        member.due = this.start + (member.lastTick + 1) * this.period;
        this.service.due.add(member);
      }
      member.lastTick = tick;
    }
  }

  failed(error: Error): void {
    for (const member of [...this.#members]) member.ended(error);
  }

  #add(member: Member, firstTick: number): void {
    member.lastTick = Math.max(firstTick, 1) - 1;
    this.#members.add(member);
  }

  #tickNow(): number {
    return Math.floor((now() - this.start + ROUNDING) / this.period);
  }
}
