import { clockMs } from './clock.js';

/** How many Redis calls the JS thread was waiting for from this time on. */
export interface InFlight {
  readonly atMs: number;
  readonly calls: number;
}

/** Counts the Redis calls that were made and not yet answered, as the JS thread sees it. */
export class CallMeter {
  readonly steps: InFlight[] = [];
  inFlight = 0;
  peak = 0;

  async count<T>(reply: Promise<T>, calls = 1): Promise<T> {
    this.#step(calls);
    try {
      return await reply;
    } finally {
      this.#step(-calls);
    }
  }

  #step(change: number): void {
    this.inFlight += change;
    this.peak = Math.max(this.peak, this.inFlight);
    this.steps.push({ atMs: clockMs(), calls: this.inFlight });
  }
}
