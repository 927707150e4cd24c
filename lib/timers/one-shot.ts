// A timer that fires once.

import { now } from './clock.js';
import { type Callback, PendingTimer } from './pending-timer.js';
import type { Scheduled } from './slot-table.js';
import type { TimerService } from './timer-service.js';

export class OneShot extends PendingTimer implements Scheduled {
  slot = -1;
  serial = 0;

  constructor(
    service: TimerService,
    private readonly ms: number,
    callback: Callback,
    args: unknown[],
    referenced = true,
  ) {
    super('SideloopTimeout', service, callback, args, referenced);
    this.set();
  }

  get period(): number {
    return 0;
  }

  refresh(): this {
    if (this.callback !== undefined && this.service.refusal === undefined) this.set();
    return this;
  }

  fired(): void {
    this.service.due.add(this);
  }

  failed(_error: Error): void {
    this.settle();
  }

  run(): void {
    this.settle();
    this.call();
  }

  protected unset(): void {
    this.service.clear(this);
  }

  private set(): void {
    this.turn = 0;
    this.due = now() + this.ms;
    this.service.set(this);
    this.begin();
  }
}

/** One of the promise form. */
export class Wait extends OneShot {
  /** `onEnd` hears of it where the loop ends, and the callback will not run. */
  constructor(
    service: TimerService,
    ms: number,
    callback: Callback,
    referenced: boolean | undefined,
    private readonly onEnd: (error: Error) => void,
  ) {
    super(service, ms, callback, [], referenced);
  }

  override failed(error: Error): void {
    super.failed(error);
    this.onEnd(error);
  }
}
