// A handler that gets a consumer's jobs, and what becomes of each.

import { AsyncResource } from 'node:async_hooks';
import type { ConsumerPartition } from './consumer-partition.js';
import type { Job } from './job.js';
import { LeaseError } from './lease-error.js';

/** Handles one job: it is acked when this returns, or its promise resolves, and failed when it throws. */
export type Handler = (job: Job) => unknown;

/** Ends when it was stopped, and its jobs are over: settled, or their leases ended, whatever their handlers do then. */
export class ConsumerRun {
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #stopped = false;
  #active = 0;
  readonly #context = new AsyncResource('SideloopConsumerRun');

  /** `failed` hears of what went wrong beside the handler. */
  constructor(
    private readonly handler: Handler,
    private readonly failed: (error: unknown) => void,
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Takes no more jobs. */
  stop(): void {
    this.#stopped = true;
    this.#endIfOver();
  }

  /** Runs the handler in the async context of run(). */
  start(job: Job): void {
    this.#active++;
    job.onOver = () => this.#over();
    this.#context.runInAsyncScope(this.#handle, this, job);
  }

  #handle(job: Job): void {
    let result: unknown;
    try {
      result = this.handler(job);
    } catch (error) {
      this.#fail(job, error);
      return;
    }
    // What is no promise of the language's own may call back twice, or throw: a promise in front of it does not.
    if (typeof result === 'object' && result !== null) {
      Promise.resolve(result).then(
        () => this.#ack(job),
        (error: unknown) => this.#fail(job, error),
      );
    } else {
      this.#ack(job);
    }
  }

  #ack(job: Job): void {
    // The handler may have settled it itself, or its lease be over.
    if (this.#isSettled(job)) return;
    job.ackBy({ resolve: () => {}, reject: (error, isNews) => this.#refused(job, error, isNews) });
  }

  #fail(job: Job, error: unknown): void {
    const partition = job.owner as ConsumerPartition;
    if (this.#isSettled(job)) {
      partition.threwLate(job, error);
      return;
    }
    let delayMs = 0;
    try {
      delayMs = partition.retryDelay(job.attempt);
    } catch (wrong) {
      this.failed(wrong);
    }
    const settler = {
      resolve: () => {},
      reject: (refusal: Error, isNews: boolean) => this.#refused(job, refusal, isNews),
    };
    job.failBy(settler, { error, delayMs, dead: false });
  }

  #isSettled(job: Job): boolean {
    if (job.over) return true;
    if (job.settler === undefined) return false;
    // Whoever has settled it has returned, and will not do it again.
    job.onRefused = () => (job.owner as ConsumerPartition).giveBack(job);
    return true;
  }

  #refused(job: Job, error: Error, isNews: boolean): void {
    // Its lease has ended, and that is told as `lost`.
    if (error instanceof LeaseError) return;
    if (isNews) this.failed(error);
    // The server said no: others may have more luck.
    (job.owner as ConsumerPartition).giveBack(job);
  }

  #over(): void {
    this.#active--;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#stopped && this.#active === 0) this.#end();
  }
}
