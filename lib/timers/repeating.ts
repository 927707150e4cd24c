// A timer that fires at the ticks of its period, which it shares.

import type { Interval } from './handles.js';
import { type Callback, PendingTimer } from './pending-timer.js';
import type { Member, Period } from './period.js';
import type { TimerService } from './timer-service.js';

export class Repeating extends PendingTimer implements Interval, Member {
  lastTick = 0;
  missed = 0;
  private joined: Period | undefined;

  /** `onEnd` hears of it where the loop ends. */
  constructor(
    service: TimerService,
    private readonly ms: number,
    callback: Callback,
    args: unknown[],
    referenced = true,
    private onEnd?: (error: Error) => void,
  ) {
    super('SideloopInterval', service, callback, args, referenced);
    this.set();
  }

  refresh(): this {
    if (this.callback === undefined || this.service.refusal !== undefined) return this;
    this.joined?.leave(this);
    this.set();
    return this;
  }

  run(): void {
    this.call();
  }

  ended(error: Error): void {
    this.settle();
    this.onEnd?.(error);
  }

  protected unset(): void {
    this.onEnd = undefined;
    this.joined?.leave(this);
    this.joined = undefined;
  }

  private set(): void {
    this.turn = 0;
    this.missed = 0;
    this.joined = this.service.period(this.ms);
    this.joined.join(this);
    this.begin();
  }
}
